"""Which tests do not apply to which server, and why: the one place. They are counted as skipped."""
import fnmatch

OAUTH = "the server does not check OAuth tokens"
_ABOUT_OAUTH = {name: OAUTH for name in (
    "e2e.test_apps.*", "e2e.test_control.*", "e2e.test_entra_outcomes.*", "e2e.test_key_rotation.*",
    "e2e.test_oauth_faults.*", "e2e.test_secrets.*", "e2e.test_secrets_memory.*", "e2e.test_sign_in.*")}
_ABOUT_HIDING = {name: "hides extensions with a setting of Dovecot; this server is as it is" for name in (
    "*with_condstore_alone", "*with_no_extension", "*without_any_extension", "*without_list_status", "*without_idle_*",
    "*.test_large_folder_*")}
NOT_APPLYING = {
    "dovecot": {},
    "dovecot-plain": {},
    "cyrus": {**_ABOUT_OAUTH, **_ABOUT_HIDING},
    "courier": {**_ABOUT_OAUTH, **_ABOUT_HIDING},
}


def why_not(server, test):
    """The reason for which the test, by its id, does not apply to the server; None if it does."""
    for pattern, reason in NOT_APPLYING[server].items():
        if fnmatch.fnmatchcase(test, pattern):
            return reason
    return None
