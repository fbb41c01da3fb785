// Who may connect, and when: places for connections (of all mailboxes, of one host, of one app), each given to whom has
// waited longest, and then a turn in the pace of logins.
//
// Where there are fewer places than mailboxes, those that have one and only wait for news are asked for it in turns,
// and so are those whose pass has lasted for its turn: as many as the pace can let in next and no more, since a
// connection that is closed for somebody who then waits for his login serves nobody. Owned by the fleet; outlives its
// mailboxes. Loop thread only.
#pragma once

#include "config/config.h"
#include "mailbox/berth.h"
#include "runtime/loop.h"
#include "runtime/task.h"
#include "runtime/wait.h"
#include "supervisor/login_pace.h"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailmoor::supervisor {

class Admission final {
 public:
  using Berths = std::vector<mailbox::Berth>; // narrowest first

  // `connections`: the places of all mailboxes together.
  Admission(runtime::Loop& loop, runtime::Semaphore& connections) : loop_(loop), connections_(connections) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // What is new of the places holds for hosts and apps that are not known yet; of the pace, at once.
  void set_limits(const config::Limits& limits);
  // What a mailbox has to have besides a place among all. Good for the life of this object.
  [[nodiscard]] Berths berths_of(const config::Mailbox& mailbox);

  [[nodiscard]] LoginPace& pace() noexcept { return pace_; }
  // How many more may be let in next.
  [[nodiscard]] std::size_t room() const noexcept;
  [[nodiscard]] bool somebody_waits() const noexcept;
  // Whether somebody waits for what a mailbox with these places would free.
  [[nodiscard]] bool somebody_waits_for(const Berths& berths) const noexcept;

 private:
  using Places = std::map<std::string, std::unique_ptr<runtime::Semaphore>>;
  // `key`: of the limit, in the configuration.
  void add_berth(Berths& berths, Places& places, const std::string& name, std::optional<int> limit,
                 std::string_view key);

  runtime::Loop& loop_;
  runtime::Semaphore& connections_;
  config::Limits limits_;
  LoginPace pace_{loop_, limits_.logins_per_minute};
  Places of_apps_;
  Places of_hosts_;
};

} // namespace mailmoor::supervisor
