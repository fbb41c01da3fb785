// Names without a name server. The test program's own getaddrinfo() stands before the C library's, for libcurl too:
//   nonexistent.invalid  there is none
//   mail.test, login.test  127.0.0.1
//   two.test             ::1 and 127.0.0.1
//   late.test            127.0.0.2 and 127.0.0.1
//   slow.test            127.0.0.1, when the test lets it go
// Everything else goes to the C library.
#pragma once

namespace mailmoor::net {

// While one lives, slow.test is not answered.
class SlowName final {
 public:
  SlowName();
  SlowName(const SlowName&) = delete;
  SlowName& operator=(const SlowName&) = delete;
  ~SlowName(); // answers, and waits until nobody asks any more

  // Waits until somebody asks for slow.test.
  void await_question();
};

} // namespace mailmoor::net
