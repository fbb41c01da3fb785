// libcurl's memory is that of Secrets: token requests and answers pass through its buffers, which it frees as they are.
#pragma once

namespace mailmoor::net {

// curl_global_init() for the process, once, before any other use of libcurl. Throws std::bad_alloc.
void initialise_curl_in_secret_memory();

} // namespace mailmoor::net
