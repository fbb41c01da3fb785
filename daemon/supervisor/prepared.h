// A configuration with everything from the disk that it names: trusted authorities, client secrets, certificates and
// keys. What can be
// wrong with those is found here, before anything running is touched (P10).
#pragma once

#include "config/config.h"
#include "config/environment.h"
#include "net/trust.h"
#include "oauth/client_certificate.h"
#include "oauth/service_account.h"
#include "util/secret.h"

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mailmoor::supervisor {

struct Prepared {
  config::Config config;
  std::map<std::string, net::SharedTrust> trust; // by ca_file; "" is the system's
  std::map<std::string, Secret> client_secrets;  // by app; absent for public clients
  // By app; shared with each client that is made from it.
  std::map<std::string, std::shared_ptr<const oauth::ClientCertificate>> certificates;
  std::map<std::string, std::shared_ptr<const oauth::ServiceAccount>> service_accounts;
};

// Blocks. The errors are for people, one line each, "file:line:column: …" where there is a place; never empty.
[[nodiscard]] std::expected<Prepared, std::vector<std::string>>
prepare_blocking(const std::string& config_file, const config::Environment& environment);

} // namespace mailmoor::supervisor
