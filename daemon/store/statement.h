// A prepared SQLite statement. Parameters are numbered from 1, columns from 0. Must not outlive its Database.
#pragma once

#include "util/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace mailmoor::store {

// Bytes to be stored as BLOB; a string_view is stored as TEXT.
struct Blob {
  std::string_view bytes;
};

// Compiled statements that wait to be used again: most take longer to compile than to run. Of one Database.
class IdleStatements final {
 public:
  IdleStatements() = default;
  IdleStatements(const IdleStatements&) = delete;
  IdleStatements& operator=(const IdleStatements&) = delete;
  ~IdleStatements();

  // Null: there is none.
  [[nodiscard]] sqlite3_stmt* take(std::string_view sql) noexcept;
  // Its parameters are forgotten.
  void give_back(sqlite3_stmt* statement) noexcept;

 private:
  std::multimap<std::string, sqlite3_stmt*, std::less<>> by_sql_;
};

class Statement final {
 public:
  // Takes over `handle`, and gives it to `idle` in the end.
  Statement(sqlite3_stmt* handle, IdleStatements& idle) noexcept : handle_(handle, GiveBack{&idle}) {}

  // Starts the statement anew with these values for the parameters from 1 on; they are copied. A failure shows at
  // the next step.
  template<class... Values>
  Statement& bind_all(const Values&... values) {
    reset();
    int index = 0;
    (bind(++index, values), ...);
    return *this;
  }

  // True: a row is there to be read. False: done.
  [[nodiscard]] Result<bool> step_blocking();
  // Runs a statement that gives no rows, to its end.
  [[nodiscard]] Status run_blocking();

  [[nodiscard]] bool is_null(int column) const noexcept;
  [[nodiscard]] std::int64_t number(int column) const noexcept;
  // Empty for NULL.
  [[nodiscard]] std::optional<std::int64_t> optional_number(int column) const noexcept;
  // TEXT or BLOB, empty for NULL; valid until the next step or bind.
  [[nodiscard]] std::string_view bytes(int column) const noexcept;

 private:
  struct GiveBack {
    IdleStatements* idle;
    void operator()(sqlite3_stmt* handle) const noexcept { idle->give_back(handle); }
  };

  void reset() noexcept;
  void bind(int index, std::int64_t value) noexcept;
  void bind(int index, std::string_view text) noexcept;
  void bind(int index, Blob blob) noexcept;
  void bind_null(int index) noexcept;
  template<class T>
  void bind(int index, const std::optional<T>& value) noexcept {
    if (value)
      bind(index, *value);
    else
      bind_null(index);
  }
  void note(int code) noexcept;

  std::unique_ptr<sqlite3_stmt, GiveBack> handle_;
  int bind_code_ = 0; // the first SQLite code of a bind that failed
};

} // namespace mailmoor::store
