// Answers as they come, for the tests of this room.
#pragma once

#include "oauth/reply.h"

#include <string>
#include <string_view>

namespace mailmoor::oauth::testing {

inline constexpr UnixTime kNow{std::chrono::seconds(1'800'000'000)}; // Fri, 15 Jan 2027 08:00:00 GMT

inline HttpReply json_reply(int status, std::string_view body) {
  HttpReply reply;
  reply.status = status;
  reply.content_type = "application/json; charset=utf-8";
  reply.body = Secret(body);
  return reply;
}

// Entra's shape of an error, trace and all.
inline std::string entra_error(std::string_view error, std::string_view code, std::string_view text,
                               bool with_error_codes = true) {
  std::string body = "{\"error\":\"";
  body.append(error).append("\",\"error_description\":\"AADSTS").append(code).append(": ").append(text);
  body.append("\\r\\nTrace ID: 0c1d2e3f-1111-2222-3333-444455556666\\r\\nCorrelation ID: "
              "aaaabbbb-0000-cccc-1111-dddd2222eeee\\r\\nTimestamp: 2027-01-15 08:00:00Z\",");
  if (with_error_codes) body.append("\"error_codes\":[").append(code).append("],");
  body.append("\"timestamp\":\"2027-01-15 08:00:00Z\",\"trace_id\":\"0c1d2e3f-1111-2222-3333-444455556666\","
              "\"correlation_id\":\"aaaabbbb-0000-cccc-1111-dddd2222eeee\","
              "\"error_uri\":\"https://login.microsoftonline.com/error?code=")
      .append(code)
      .append("\"}");
  return body;
}

} // namespace mailmoor::oauth::testing
