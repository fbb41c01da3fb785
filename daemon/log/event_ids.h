// The events that an operator may have to act on. Each has a 128-bit id that `journalctl -x` looks up in
// systemd/mailmoor.catalog. Ids are fixed for good: never changed, never used again for something else.
#pragma once

#include <array>
#include <string_view>

namespace mailmoor::log {

struct EventId {
  std::string_view name; // MAILMOOR_EVENT
  std::string_view hex;  // MESSAGE_ID: 32 lower-case hex digits
};

namespace events {

// The daemon.
inline constexpr EventId kStarted{"started", "48e1f58a66494c299f02aacce914c1bb"};
inline constexpr EventId kStopped{"stopped", "3a01cd9d08e74dc0a77509127244ae5b"};
inline constexpr EventId kReloaded{"reloaded", "3ac77b1bc34c4caba48351bc427cb77d"};
inline constexpr EventId kConfigurationRejected{"configuration_rejected", "cd315551411b4afd8b5642ac78d5023d"};

// Signing in.
inline constexpr EventId kNeedsLogin{"needs_login", "973c156196cd40a0a4d4dd8873c7b09f"};
inline constexpr EventId kSignedIn{"signed_in", "f363703ed21443b3af21dcbe89c65866"};
inline constexpr EventId kLoginFailed{"login_failed", "bb81dbce8e5743179e905c061f68f69b"};
inline constexpr EventId kSignedOut{"signed_out", "e201b4bf777a474b880f37991ef7aa3e"};
inline constexpr EventId kRefreshRefused{"refresh_refused", "69098faf94aa4dd0953682c88f7218f1"};
inline constexpr EventId kAccessDenied{"access_denied", "2fec9244d1db40f18ebc2b21262b3ee3"};
inline constexpr EventId kAppMisconfigured{"app_misconfigured", "88c063d9e6de4c779cc17001c7bc0c3a"};
inline constexpr EventId kAppTokenRefused{"app_token_refused", "ca626fc947ab46e0ae61b0f922e8f4e1"};
inline constexpr EventId kCredentialExpires{"credential_expires", "a682c91d1a9f49c2ba748412faeb44bd"};
inline constexpr EventId kCredentialExpired{"credential_expired", "4744fc105d494023a8677d34238de0ff"};

// Keys and databases.
inline constexpr EventId kWrongMasterKey{"wrong_master_key", "1bdd2c74843240dea5086786d0c68d87"};
inline constexpr EventId kKeyGenerated{"key_generated", "79b8db0bd5a44b97bbceaf15e57c12d2"};
inline constexpr EventId kCourierUnavailable{"courier_unavailable", "029183f8a5a749448531bc4573c18b7e"};
inline constexpr EventId kTokenAnswerUnreadable{"token_answer_unreadable", "1db0ac487fb746e9a813690ac34eebb1"};
inline constexpr EventId kKeyRotated{"key_rotated", "8e2d13e7e7c24f3bb2d09ad35d0bd0a4"};
inline constexpr EventId kDatabaseNewer{"database_newer", "2a6fb02aa9e340998365f7dbd5fb1d64"};

// Server and network.
inline constexpr EventId kThrottled{"throttled", "0dc08f420f7b4869969566d7be3a7311"};
inline constexpr EventId kBackingOff{"backing_off", "06af4da4bab249008562cb257f5fd486"};
inline constexpr EventId kRecovered{"recovered", "d1b083319dd6427b8995756dc0884930"};
inline constexpr EventId kTlsRefused{"tls_refused", "ffc444ee88d74c739f12146b6550b0e1"};

// Mail.
inline constexpr EventId kFolderFailed{"folder_failed", "de0b392df26446389bae9715fd4c8c8e"};
inline constexpr EventId kMessageFailed{"message_failed", "10b82361382b4c469667689761db2635"};
inline constexpr EventId kUidvalidityChanged{"uidvalidity_changed", "a1ae17a7b1bf4177b003531265ed4f93"};
inline constexpr EventId kUidvalidityLoop{"uidvalidity_loop", "4963028400b34f07a981539667bc4d78"};
inline constexpr EventId kLabelsHidden{"labels_hidden", "86102a313b4d4f9abbfb1ac065e62e10"};
inline constexpr EventId kDeletionHeld{"deletion_held", "7d49229c18ec4ff7b56e132c38ffc01f"};

// This machine.
inline constexpr EventId kDiskFull{"disk_full", "a12ba4143e624ada9cbe6a8816088462"};
inline constexpr EventId kMaildirFailed{"maildir_failed", "f0211225ecc54194bd648a918d4e1bab"};
inline constexpr EventId kSecretsNotLocked{"secrets_not_locked", "1dbe4af3ae3bdd1ff421ed328e966ca1"};
inline constexpr EventId kTimeScaleActive{"time_scale_active", "cf4fe13f7fa84842ab655ded80556ace"};
inline constexpr EventId kHookFailed{"hook_failed", "15e3685eb5104895964549753892c2e3"};
inline constexpr EventId kLoopBlocked{"loop_blocked", "cbf10b6d887548b9b7849d897d0012dc"};

inline constexpr std::array kAll = {&kStarted,
                                    &kStopped,
                                    &kReloaded,
                                    &kConfigurationRejected,
                                    &kNeedsLogin,
                                    &kSignedIn,
                                    &kLoginFailed,
                                    &kSignedOut,
                                    &kRefreshRefused,
                                    &kAccessDenied,
                                    &kAppMisconfigured,
                                    &kAppTokenRefused,
                                    &kCredentialExpires,
                                    &kCredentialExpired,
                                    &kWrongMasterKey,
                                    &kKeyGenerated,
                                    &kKeyRotated,
                                    &kCourierUnavailable,
                                    &kTokenAnswerUnreadable,
                                    &kDatabaseNewer,
                                    &kThrottled,
                                    &kBackingOff,
                                    &kRecovered,
                                    &kTlsRefused,
                                    &kFolderFailed,
                                    &kMessageFailed,
                                    &kUidvalidityChanged,
                                    &kUidvalidityLoop,
                                    &kLabelsHidden,
                                    &kDeletionHeld,
                                    &kDiskFull,
                                    &kMaildirFailed,
                                    &kSecretsNotLocked,
                                    &kTimeScaleActive,
                                    &kHookFailed,
                                    &kLoopBlocked};

} // namespace events
} // namespace mailmoor::log
