// Result<T>: a value or an Error. Every function that can fail in an expected way returns one.
#pragma once

#include "util/error.h"

#include <expected>
#include <string>
#include <utility>

namespace mailmoor {

template<class T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// return fail(ErrorKind::kHost, "connect_failed", concat("cannot reach ", host));
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string code, std::string what,
                                                 std::string remedy = {}) {
  return std::unexpected<Error>(Error(kind, std::move(code), std::move(what), std::move(remedy)));
}

// Hands an Error on: return pass(std::move(result).error());
[[nodiscard]] inline std::unexpected<Error> pass(Error error) {
  return std::unexpected<Error>(std::move(error));
}

} // namespace mailmoor
