// From the configuration's words to the settings of the rooms that do the work. Pure.
#pragma once

#include "config/config.h"
#include "config/environment.h"
#include "mailbox/examination.h"
#include "mailbox/mailbox.h"
#include "mailbox/oauth_client.h"
#include "mailbox/token_source.h"
#include "supervisor/prepared.h"

#include <string>

namespace mailmoor::supervisor {

[[nodiscard]] mailbox::OauthClientSettings client_settings(const config::App& app, const Prepared& prepared);
// `key_source`: for the report.
[[nodiscard]] mailbox::ExaminationSettings examination_settings(const config::Mailbox& mailbox,
                                                                const Prepared& prepared,
                                                                const config::Environment& environment,
                                                                const std::string& key_source);
[[nodiscard]] mailbox::MailboxSettings mailbox_settings(const config::Mailbox& mailbox, const Prepared& prepared,
                                                        const config::Environment& environment);
// The row of a sign-in in the vault. An app with client_credentials has one token for all of its mailboxes, whose id no
// sign-in can have.
[[nodiscard]] std::string token_id(const config::Mailbox& mailbox, const config::App& app);
[[nodiscard]] mailbox::TokenSource token_source(const config::Mailbox& mailbox, const config::App& app);

} // namespace mailmoor::supervisor
