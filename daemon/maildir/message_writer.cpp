#include "maildir/delivery.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace mailmoor::maildir {
namespace {

// Few system calls for a large message, little memory for hundreds of mailboxes receiving at once.
constexpr std::size_t kBufferSize = std::size_t{64} * 1024;

void discard_blocking(FileOps& ops, const std::string& path) {
  if (path.empty()) return;
  // Nothing to be done about a failure here: the next open removes the file.
  const Status unlinked = ops.unlink_blocking(path);
  static_cast<void>(unlinked);
}

} // namespace

StagedMessage::StagedMessage(FileOps& ops, std::string path, MessageIdentity identity, std::uint64_t size,
                             std::uint64_t failures)
    : ops_(&ops), path_(std::move(path)), identity_(std::move(identity)), size_(size), failures_(failures) {}

StagedMessage::StagedMessage(StagedMessage&& other) noexcept
    : ops_(other.ops_), path_(std::exchange(other.path_, {})), identity_(std::move(other.identity_)),
      size_(other.size_), failures_(other.failures_) {}

StagedMessage& StagedMessage::operator=(StagedMessage&& other) noexcept {
  if (this == &other) return *this;
  discard_blocking(*ops_, path_);
  ops_ = other.ops_;
  path_ = std::exchange(other.path_, {});
  identity_ = std::move(other.identity_);
  size_ = other.size_;
  failures_ = other.failures_;
  return *this;
}

StagedMessage::~StagedMessage() {
  discard_blocking(*ops_, path_);
}

MessageWriter::MessageWriter(FileOps& ops, std::unique_ptr<OutputFile> file, std::string path, LineEndings line_endings,
                             std::uint64_t failures)
    : ops_(&ops), file_(std::move(file)), path_(std::move(path)), converter_(line_endings), failures_(failures) {}

MessageWriter::MessageWriter(MessageWriter&& other) noexcept
    : ops_(other.ops_), file_(std::move(other.file_)), path_(std::exchange(other.path_, {})),
      buffer_(std::move(other.buffer_)), written_(other.written_), converter_(other.converter_),
      failures_(other.failures_) {}

MessageWriter& MessageWriter::operator=(MessageWriter&& other) noexcept {
  if (this == &other) return *this;
  file_.reset();
  discard_blocking(*ops_, path_);
  ops_ = other.ops_;
  file_ = std::move(other.file_);
  path_ = std::exchange(other.path_, {});
  buffer_ = std::move(other.buffer_);
  written_ = other.written_;
  converter_ = other.converter_;
  failures_ = other.failures_;
  return *this;
}

MessageWriter::~MessageWriter() {
  file_.reset();
  discard_blocking(*ops_, path_);
}

Status MessageWriter::append_blocking(std::string_view bytes) {
  assert(file_ != nullptr);
  while (!bytes.empty()) {
    const std::string_view piece = bytes.substr(0, kBufferSize);
    bytes.remove_prefix(piece.size());
    converter_.convert(piece, buffer_);
    if (buffer_.size() < kBufferSize) continue;
    if (Status flushed = flush_blocking(); !flushed) return flushed;
  }
  return {};
}

Status MessageWriter::flush_blocking() {
  if (Status status = file_->write_blocking(buffer_); !status) return status;
  written_ += buffer_.size();
  buffer_.clear();
  return {};
}

Result<StagedMessage> MessageWriter::finish_blocking(MessageIdentity identity) {
  assert(file_ != nullptr);
  converter_.finish(buffer_);
  if (Status status = flush_blocking(); !status) return pass(std::move(status).error());
  if (Status status = file_->set_mtime_blocking(identity.internal_date); !status)
    return pass(std::move(status).error());
  if (Status status = file_->close_blocking(); !status) return pass(std::move(status).error());
  file_.reset();
  return StagedMessage(*ops_, std::exchange(path_, {}), std::move(identity), written_, failures_);
}

} // namespace mailmoor::maildir
