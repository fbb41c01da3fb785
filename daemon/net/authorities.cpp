#include "net/authorities.h"

#include "util/error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace mailmoor::net {
namespace {

struct Free {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(X509_NAME* name) const noexcept { X509_NAME_free(name); }
};
template<class T>
using Owned = std::unique_ptr<T, Free>;

struct Authority {
  Owned<X509_NAME> subject;
  std::string der;
};
using Authorities = std::vector<Authority>;

[[nodiscard]] const unsigned char* octets_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct Element {
  std::string_view whole;
  std::string_view content;
  int tag = 0;
};

// The first element of `der`, which then begins after it. Empty when there is none of a definite length.
[[nodiscard]] std::optional<Element> take_element(std::string_view& der) {
  const unsigned char* at = octets_of(der);
  long length = 0;
  Element element;
  int tag_class = 0;
  const int form = ASN1_get_object(&at, &length, &element.tag, &tag_class, static_cast<long>(der.size()));
  if ((form & 0x81) != 0) return std::nullopt; // cut off, or without a length
  const auto header = static_cast<std::size_t>(at - octets_of(der));
  element.content = der.substr(header, static_cast<std::size_t>(length));
  element.whole = der.substr(0, header + element.content.size());
  if (tag_class == V_ASN1_CONTEXT_SPECIFIC) element.tag = -1; // none of the universal ones
  der.remove_prefix(element.whole.size());
  return element;
}

// Certificate ::= SEQUENCE { tbsCertificate, … }; TBSCertificate ::= SEQUENCE { version [0] DEFAULT v1, serialNumber,
// signature, issuer, validity, subject, … } (RFC 5280 §4.1)
[[nodiscard]] Owned<X509_NAME> subject_of(std::string_view der) {
  const auto certificate = take_element(der);
  if (!certificate) return nullptr;
  std::string_view inside = certificate->content;
  const auto to_be_signed = take_element(inside);
  if (!to_be_signed) return nullptr;
  std::string_view fields = to_be_signed->content;
  auto field = take_element(fields);
  const int before_subject = field && field->tag == -1 ? 5 : 4;
  for (int i = 0; field && i < before_subject; ++i)
    field = take_element(fields);
  if (!field) return nullptr;
  const unsigned char* at = octets_of(field->whole);
  return Owned<X509_NAME>(d2i_X509_NAME(nullptr, &at, static_cast<long>(field->whole.size())));
}

// Null at the end of the text, and for what is no certificate.
[[nodiscard]] std::optional<Authority> next_authority(BIO* text) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (PEM_read_bio(text, &name, &header, &data, &size) != 1) return std::nullopt;
  Authority authority;
  // A "TRUSTED CERTIFICATE" is a certificate with more behind it.
  const bool is_certificate = std::strstr(name, "CERTIFICATE") != nullptr && std::strstr(name, "REQUEST") == nullptr;
  if (is_certificate) authority.der.assign(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  authority.subject = subject_of(authority.der);
  return authority;
}

// Null when there is none of that name.
[[nodiscard]] X509* first_named(X509_STORE* store, const X509_NAME* name) {
  const X509_OBJECT* const object = X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), X509_LU_X509, name);
  return object != nullptr ? X509_OBJECT_get0_X509(object) : nullptr;
}

// One that cannot be parsed vouches for nobody.
void add_to(X509_STORE* store, const Authority& authority) {
  const unsigned char* at = octets_of(authority.der);
  const Owned<X509> certificate(d2i_X509_AUX(nullptr, &at, static_cast<long>(authority.der.size())));
  if (certificate) X509_STORE_add_cert(store, certificate.get());
}

[[nodiscard]] std::string why_not(int error_number) {
  return error_number != 0 ? errno_text(error_number) : "no PEM certificate in it, or a broken one";
}

void free_authorities(X509_LOOKUP* lookup) noexcept {
  const std::unique_ptr<Authorities> last_owner(static_cast<Authorities*>(X509_LOOKUP_get_method_data(lookup)));
}

// Any thread: the store guards itself, the authorities do not change.
int find_by_subject(X509_LOOKUP* lookup, X509_LOOKUP_TYPE type, const X509_NAME* name, X509_OBJECT* found) noexcept {
  if (type != X509_LU_X509) return 0;
  X509_STORE* const store = X509_LOOKUP_get_store(lookup);
  const auto& authorities = *static_cast<const Authorities*>(X509_LOOKUP_get_method_data(lookup));
  for (const Authority& authority : authorities) // all of that name: OpenSSL then looks which of them signed
    if (X509_NAME_cmp(authority.subject.get(), name) == 0) add_to(store, authority);
  ERR_clear_error();
  if (X509_STORE_lock(store) != 1) return 0;
  X509* const certificate = first_named(store, name);
  const bool is_found = certificate != nullptr && X509_OBJECT_set1_X509(found, certificate) == 1;
  if (is_found) X509_free(certificate); // the caller makes the reference of `found` itself
  X509_STORE_unlock(store);
  return is_found ? 1 : 0;
}

[[nodiscard]] X509_LOOKUP_METHOD* lookup_method() {
  static X509_LOOKUP_METHOD* const kMethod = [] {
    X509_LOOKUP_METHOD* const made = X509_LOOKUP_meth_new("certificates of a bundle");
    if (made == nullptr) return made;
    X509_LOOKUP_meth_set_get_by_subject(made, &find_by_subject);
    X509_LOOKUP_meth_set_free(made, &free_authorities);
    return made;
  }();
  return kMethod;
}

} // namespace

std::string add_authorities_blocking(x509_store_st* store, const std::string& path) {
  errno = 0;
  ERR_clear_error();
  const Owned<BIO> text(BIO_new_file(path.c_str(), "r"));
  if (text == nullptr) return why_not(errno);
  auto authorities = std::make_unique<Authorities>();
  bool any = false;
  while (auto authority = next_authority(text.get())) {
    if (authority->subject == nullptr) continue;
    any = true;
    // OpenSSL looks for a name only until it has one.
    if (first_named(store, authority->subject.get()) != nullptr)
      add_to(store, *authority);
    else
      authorities->push_back(*std::move(authority));
  }
  const int error_number = errno;
  const bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (!to_the_end) return why_not(error_number);
  if (!any) return why_not(0);
  X509_LOOKUP_METHOD* const method = lookup_method();
  X509_LOOKUP* const lookup = method != nullptr ? X509_STORE_add_lookup(store, method) : nullptr;
  if (lookup == nullptr) throw std::bad_alloc();
  X509_LOOKUP_set_method_data(lookup, authorities.release());
  return "";
}

} // namespace mailmoor::net
