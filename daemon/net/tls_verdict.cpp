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

Error untrusted_peer(const SSL* ssl, const std::string& peer, const std::string& host) {
  const long verdict = SSL_get_verify_result(ssl);
  std::string what = concat("the certificate of ", peer, " was refused for the name ", host, ": ",
                            X509_verify_cert_error_string(verdict));
  const std::unique_ptr<X509, Closer<X509_free>> certificate(SSL_get1_peer_certificate(ssl));
  switch (verdict) {
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: {
    const std::string names = certificate ? names_in(certificate.get()) : std::string();
    if (!names.empty()) what += concat("; it is for ", names);
    return refused(std::move(what), "connect to a name that the certificate carries, or let the server have one for "
                                    "this name");
  }
  case X509_V_ERR_CERT_HAS_EXPIRED: {
    const auto ended = certificate ? to_time(X509_get0_notAfter(certificate.get())) : std::nullopt;
    if (ended) what += concat(" (the server's own ends ", to_rfc3339(*ended), ")");
    return refused(std::move(what), "the server needs a new certificate; see also that this machine's clock is right");
  }
  case X509_V_ERR_CERT_NOT_YET_VALID:
    return refused(std::move(what), "see that this machine's clock is right, then ask the server's administrator");
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    if (certificate) what += concat("; it was issued by ", name_of(X509_get_issuer_name(certificate.get())));
    return refused(std::move(what), "if this server has its own certificate authority, give that authority's "
                                    "certificate as ca_file");
  default: return refused(std::move(what), "the server's administrator must correct its certificate");
  }
}

} // namespace mailmoor::net
