"""Which tests do not apply to which server, and why: the one place. They are counted as skipped."""
import fnmatch

OAUTH = "the server does not check OAuth tokens"
_ABOUT_OAUTH = {name: OAUTH for name in (
    "e2e.test_apps.*", "e2e.test_control.*", "e2e.test_entra_outcomes.*", "e2e.test_key_rotation.*",
    "e2e.test_oauth_faults.*", "e2e.test_secrets.*", "e2e.test_secrets_memory.*", "e2e.test_sign_in.*")}
_HIDING = ("*with_condstore_alone", "*with_no_extension", "*without_any_extension", "*without_list_status", "*without_idle_*",
           "*.test_large_folder_*")
_ABOUT_HIDING = dict.fromkeys(_HIDING, "hides extensions with a setting of Dovecot; this server is as it is")
# On other servers than Dovecot.
_ABOUT_DOVECOT = {
    **_ABOUT_OAUTH, **_ABOUT_HIDING,
    "e2e.test_disk_full.Tokens.*": OAUTH,
    "e2e.test_main_job.MainJob.test_sign_in_*": OAUTH,
    "e2e.test_verify.Verify.test_without_a_login_it_is_3": OAUTH,
    "e2e.test_doctor.Doctor.test_healthy_mailbox_is_not_disturbed": OAUTH,
    "e2e.test_doctor.Doctor.test_nobody_has_signed_in": OAUTH,
    "e2e.test_doctor.Doctor.test_tokens_that_are_wrong_*": OAUTH,
    "e2e.test_doctor.Doctor.test_clock_that_is_off": OAUTH,
    "e2e.test_metrics.Metrics.test_faults_and_logins_are_counted": OAUTH,
    **dict.fromkeys(("e2e.test_exchange*", "e2e.test_gmail*", "e2e.test_network_disk.Labels*",
                     "e2e.test_odd_messages.WireTest.*", "e2e.test_poison.*", "e2e.test_token_endpoint.*"),
                    "its server is a fake of Exchange or Gmail, whichever runs the others"),
    "e2e.test_compress.*": "has Dovecot offer it by a setting",
    "e2e.test_readers.*": "is about programs that read the Maildir, wherever its mail came from",
    "e2e.test_passwords.Trust.test_starttls_that_is_not_offered_*": "this server always offers STARTTLS",
    "e2e.test_notify.Notify.test_news_*": "this server does not offer NOTIFY",
    "e2e.test_parts.*": "proves the parts of a test with OAuth and Dovecot",
}
_ABOUT_THE_NETWORK = {"e2e.test_chaos.*": "is about the network, whichever server lies behind it, and takes long"}
_ABOUT_LIST_STATUS = {"*.test_unchanged_folders_cost_no_command": "without LIST-STATUS each folder costs its own"}
NOT_APPLYING = {
    "dovecot": {},
    "dovecot-plain": {
        **dict.fromkeys(_HIDING, "chooses itself what is hidden, and so does the same on dovecot"),
        **_ABOUT_LIST_STATUS, **_ABOUT_THE_NETWORK,
        "e2e.test_compress.*": "what is offered is fixed here",
        "e2e.test_main_job.MainJob.test_sign_in_*": "IDLE is hidden",
        "e2e.test_doctor.Doctor.test_healthy_mailbox_is_not_disturbed": "looks for CONDSTORE among what the server offers",
        "e2e.test_daily_bytes.*": "IDLE is hidden",
        "*.test_flag_changes_of_inbox_come_without_a_poll": "IDLE is hidden",
        "e2e.test_notify.Notify.test_news_*": "NOTIFY is hidden",
    },
    "cyrus": {
        **_ABOUT_DOVECOT, **_ABOUT_THE_NETWORK,
        "e2e.test_renumbering.Renumbering.test_folder_numbered_*": "no tool of it gives a folder a new UIDVALIDITY",
    },
    "courier": {
        **_ABOUT_DOVECOT, **_ABOUT_LIST_STATUS, **_ABOUT_THE_NETWORK,
        "e2e.test_renumbering.Renames.*": "a folder that is renamed gets a new UIDVALIDITY: nothing tells that it is the same",
    },
}


def why_not(server, test):
    """The reason for which the test, by its id, does not apply to the server; None if it does."""
    for pattern, reason in NOT_APPLYING[server].items():
        if fnmatch.fnmatchcase(test, pattern):
            return reason
    return None
