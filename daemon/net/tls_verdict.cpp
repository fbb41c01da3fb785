#include "net/tls_verdict.h"

#include "util/concat.h"
#include "util/printable.h"

#include <chrono>
#include <ctime>
#include <memory>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string_view>
#include <utility>

namespace mailmoor::net {
namespace {

constexpr std::size_t kMaxName = 200; // bytes of a name that is shown
constexpr int kMaxNames = 8;          // of a certificate

template<auto kFree>
struct Closer {
  template<class T>
  void operator()(T* object) const noexcept {
    kFree(object);
  }
};

[[nodiscard]] std::optional<UnixTime> to_time(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return UnixTime(std::chrono::seconds(::timegm(&parts)));
}

[[nodiscard]] std::string shown(const ASN1_STRING* text) {
  if (text == nullptr) return {};
  const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                               static_cast<std::size_t>(ASN1_STRING_length(text)));
  return printable(bytes.substr(0, kMaxName));
}

// The common name, or the organisation of an authority that has none.
[[nodiscard]] std::string name_of(const X509_NAME* name) {
  for (const int field : {NID_commonName, NID_organizationalUnitName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, field, -1);
    if (at < 0) continue;
    return shown(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  }
  return "(no name)";
}

// The DNS names that a certificate carries, the only ones that count (RFC 9525 §2).
[[nodiscard]] std::string names_in(X509* certificate) {
  const std::unique_ptr<GENERAL_NAMES, Closer<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string out;
  const int count = names ? sk_GENERAL_NAME_num(names.get()) : 0;
  int shown_names = 0;
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    if (++shown_names > kMaxNames) return out + " …";
    out += concat(out.empty() ? "" : ", ", shown(name->d.dNSName));
  }
  return out;
}

[[nodiscard]] bool is_unknown_authority(long verdict) {
  return verdict == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT || verdict == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
         verdict == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE || verdict == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
         verdict == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN;
}

// What the certificate itself adds to a verdict; empty when nothing.
[[nodiscard]] std::string detail_of(long verdict, X509* certificate) {
  if (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
    const std::string names = names_in(certificate);
    return names.empty() ? "" : concat("; it is for ", names);
  }
  if (verdict == X509_V_ERR_CERT_HAS_EXPIRED) {
    const auto ended = to_time(X509_get0_notAfter(certificate));
    return ended ? concat("; ", name_of(X509_get_subject_name(certificate)), " ended ", to_rfc3339(*ended)) : "";
  }
  if (is_unknown_authority(verdict)) return concat("; it was issued by ", name_of(X509_get_issuer_name(certificate)));
  return "";
}

// OpenSSL's verification has come to a verdict about one certificate of the chain; ours is its own.
int on_verdict(int is_good, X509_STORE_CTX* context) noexcept {
  if (is_good == 1) return 1;
  auto* const ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const detail = ssl != nullptr ? static_cast<std::string*>(SSL_get_ex_data(ssl, 0)) : nullptr;
  X509* const certificate = X509_STORE_CTX_get_current_cert(context);
  if (detail != nullptr && certificate != nullptr) *detail = detail_of(X509_STORE_CTX_get_error(context), certificate);
  return 0;
}

[[nodiscard]] Error refused(std::string what, std::string remedy) {
  return {ErrorKind::kHost, "tls_untrusted", std::move(what), std::move(remedy)};
}

} // namespace

TlsFacts tls_facts_of(const SSL* ssl) {
  TlsFacts facts;
  facts.version = SSL_get_version(ssl);
  facts.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl));
  const STACK_OF(X509)* const chain = SSL_get0_verified_chain(ssl);
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    const X509* const certificate = sk_X509_value(chain, i);
    facts.chain.push_back(name_of(X509_get_subject_name(certificate)));
    const auto ends_at = to_time(X509_get0_notAfter(certificate));
    if (ends_at && (!facts.ends_at || *ends_at < *facts.ends_at)) facts.ends_at = ends_at;
  }
  return facts;
}

void watch_verdict(SSL* ssl, std::string* detail) {
  SSL_set_ex_data(ssl, 0, detail); // the index that is the application's own
  SSL_set_verify(ssl, SSL_VERIFY_PEER, detail != nullptr ? &on_verdict : nullptr);
}

Error untrusted_peer(const SSL* ssl, const std::string& peer, const std::string& host, const std::string& detail) {
  const long verdict = SSL_get_verify_result(ssl);
  const std::string what = concat("the certificate of ", peer, " was refused for the name ", host, ": ",
                                  X509_verify_cert_error_string(verdict), detail);
  switch (verdict) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH:
    return refused(what, "connect to a name that the certificate carries, or let the server have one for this name");
  case X509_V_ERR_CERT_HAS_EXPIRED:
    return refused(what, "the server needs a new certificate; see also that this machine's clock is right");
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return refused(what, "see that this machine's clock is right, then ask the server's administrator");
  default: break;
  }
  if (is_unknown_authority(verdict))
    return refused(what, "if this server has its own certificate authority, give that authority's certificate as "
                         "ca_file");
  return refused(what, "the server's administrator must correct its certificate");
}

} // namespace mailmoor::net
