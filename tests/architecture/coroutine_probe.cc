// Counts how often what a co_await statement mentions is made and destroyed, in the ways of writing that the house
// allows ("good") and in those that check_coroutines.py refuses ("bad"). One line each: KIND NAME MADE DESTROYED.
#include <coroutine>
#include <cstdio>
#include <optional>
#include <utility>

namespace {

int made = 0;
int destroyed = 0;

struct Counted {
  Counted() { ++made; }
  Counted(const Counted&) { ++made; }
  Counted(Counted&&) noexcept { ++made; }
  Counted& operator=(const Counted&) = delete;
  ~Counted() { ++destroyed; }
};

struct Aggregate {
  int number;
  Counted counted;
};

struct Constructed {
  explicit Constructed(Counted in) : counted(std::move(in)) {}
  Counted counted;
};

struct Task {
  struct promise_type {
    Task get_return_object() { return Task(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept {
      struct Resume {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> done) noexcept {
          return done.promise().waiter ? done.promise().waiter : std::noop_coroutine();
        }
        void await_resume() noexcept {}
      };
      return Resume();
    }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
    std::coroutine_handle<> waiter;
  };

  explicit Task(std::coroutine_handle<promise_type> handle_in) : handle(handle_in) {}
  Task(Task&& other) noexcept : handle(std::exchange(other.handle, nullptr)) {}
  ~Task() {
    if (handle) handle.destroy();
  }
  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiter) noexcept {
    handle.promise().waiter = waiter;
    return handle;
  }
  void await_resume() const noexcept {}

  std::coroutine_handle<promise_type> handle;
};

Task take(Aggregate) {
  co_return;
}
Task take_constructed(Constructed) {
  co_return;
}
template<class Function>
Task call(Function) {
  co_return;
}
Aggregate make_aggregate() {
  return Aggregate{1, Counted()};
}

Task good_named() {
  Aggregate aggregate{1, Counted()};
  co_await take(std::move(aggregate));
}
Task good_task_on_its_own_line() {
  Task task = take(Aggregate{1, Counted()});
  co_await task;
}
Task good_function_result() {
  co_await take(make_aggregate());
}
Task good_constructor() {
  co_await take_constructed(Constructed(Counted()));
}
Task bad_braces() {
  co_await take(Aggregate{1, Counted()});
}
Task bad_bare_braces() {
  co_await take({1, Counted()});
}
Task bad_lambda() {
  Counted counted;
  co_await call([counted] { (void)counted; });
}
Task bad_choice() {
  std::optional<Aggregate> none;
  co_await take(none ? *none : make_aggregate());
}

void probe(const char* kind, const char* name, Task (*start)()) {
  made = destroyed = 0;
  {
    const Task task = start();
    task.handle.resume();
  }
  std::printf("%s %s %d %d\n", kind, name, made, destroyed);
}

} // namespace

int main() {
  probe("good", "named object, moved", good_named);
  probe("good", "task on its own line", good_task_on_its_own_line);
  probe("good", "function result", good_function_result);
  probe("good", "type with a constructor", good_constructor);
  probe("bad", "aggregate in braces", bad_braces);
  probe("bad", "bare braces", bad_bare_braces);
  probe("bad", "capturing lambda", bad_lambda);
  probe("bad", "?: of aggregates", bad_choice);
}
