// The codes of Entra's answers, as its descriptions spell them: "AADSTS53003: Access has been blocked …".
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace mailmoor::oauth {

// Adds a code that is a positive int and not there yet; of more than eight the first eight count.
void append_aadsts(std::vector<int>& codes, std::int64_t code);
// Adds each "AADSTS" 1*DIGIT of the text, in its order.
void append_aadsts(std::vector<int>& codes, std::string_view text);

} // namespace mailmoor::oauth
