#include "store/downloads.h"

#include "store/transaction.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace mailmoor::store {
namespace {

constexpr double kPerSecond = 1000.0; // rate_limit counts in 1,000 seconds

[[nodiscard]] Status write_rate(Database& database, std::string_view mailbox, std::optional<double> rate) {
  auto upsert = database.prepare_blocking("INSERT INTO mailbox (name, rate_limit) VALUES (?, ?)"
                                          " ON CONFLICT (name) DO UPDATE SET rate_limit = excluded.rate_limit");
  if (!upsert) return pass(std::move(upsert).error());
  const auto stored = rate.transform([](double value) { return static_cast<std::int64_t>(value * kPerSecond + 0.5); });
  return upsert->bind_all(mailbox, stored).run_blocking();
}

[[nodiscard]] Status write_hours(Database& database, std::string_view mailbox, const Downloads& downloads) {
  auto erase = database.prepare_blocking(
      "DELETE FROM received WHERE mailbox_id = (SELECT mailbox_id FROM mailbox WHERE name = ?)");
  if (!erase) return pass(std::move(erase).error());
  if (auto done = erase->bind_all(mailbox).run_blocking(); !done) return done;
  auto insert = database.prepare_blocking("INSERT INTO received (mailbox_id, hour, octets)"
                                          " SELECT mailbox_id, ?2, ?3 FROM mailbox WHERE name = ?1");
  if (!insert) return pass(std::move(insert).error());
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max(); // SQLite has no more
  for (const HourOfOctets& each : downloads.received) {
    const auto octets = static_cast<std::int64_t>(std::min(each.octets, kMax));
    if (auto done = insert->bind_all(mailbox, each.hour, octets).run_blocking(); !done) return done;
  }
  return {};
}

} // namespace

Result<Downloads> load_downloads_blocking(Database& database, std::string_view mailbox) {
  Downloads downloads;
  auto select = database.prepare_blocking("SELECT rate_limit FROM mailbox WHERE name = ?");
  if (!select) return pass(std::move(select).error());
  const auto found = select->bind_all(mailbox).step_blocking();
  if (!found) return pass(found.error());
  const auto rate = *found ? select->optional_number(0) : std::nullopt;
  if (rate && *rate > 0) downloads.rate_limit = static_cast<double>(*rate) / kPerSecond;

  auto rows = database.prepare_blocking(
      "SELECT hour, octets FROM received JOIN mailbox USING (mailbox_id) WHERE name = ? ORDER BY hour");
  if (!rows) return pass(std::move(rows).error());
  rows->bind_all(mailbox);
  for (;;) {
    const auto row = rows->step_blocking();
    if (!row) return pass(row.error());
    if (!*row) return downloads;
    const auto octets = static_cast<std::uint64_t>(std::max<std::int64_t>(rows->number(1), 0));
    downloads.received.push_back({rows->number(0), octets});
  }
}

Status replace_downloads_blocking(Database& database, std::string_view mailbox, const Downloads& downloads) {
  auto transaction = Transaction::begin_blocking(database, "downloads");
  if (!transaction) return pass(std::move(transaction).error());
  if (auto done = write_rate(database, mailbox, downloads.rate_limit); !done) return done;
  if (auto done = write_hours(database, mailbox, downloads); !done) return done;
  return transaction->commit_blocking();
}

} // namespace mailmoor::store
