#include "util/secret_memory.h"

#include "util/secret.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
extern "C" void __asan_poison_memory_region(const void* bytes, std::size_t size);
extern "C" void __asan_unpoison_memory_region(const void* bytes, std::size_t size);
#endif

namespace mailmoor::secret_memory {
namespace {

// A block is a slot of a slab, all of one size, or a mapping of its own when it is larger than the largest slot.
constexpr std::array<std::size_t, 14> kSlotSizes = {32,   64,   128,  256,  512,  1024,  1536,
                                                    2048, 3072, 4096, 6144, 8192, 12288, 16384};
constexpr std::size_t kSlabSize = 64UL * 1024;

void forbid(const void* bytes, std::size_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  __asan_poison_memory_region(bytes, size);
#else
  static_cast<void>(bytes);
  static_cast<void>(size);
#endif
}
void permit(const void* bytes, std::size_t size) noexcept {
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(bytes, size);
#else
  static_cast<void>(bytes);
  static_cast<void>(size);
#endif
}

[[nodiscard]] std::size_t page_size() noexcept {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

[[nodiscard]] std::size_t in_pages(std::size_t size) noexcept {
  return (size + page_size() - 1) / page_size() * page_size();
}

// Zero pages between two that nobody may touch. RAII.
class Pages final {
 public:
  explicit Pages(std::size_t size) : size_(in_pages(size)) {
    void* const whole = ::mmap(nullptr, size_ + 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) throw std::bad_alloc();
    bytes_ = static_cast<char*>(whole) + page_size();
    if (::mprotect(bytes_, size_, PROT_READ | PROT_WRITE) != 0) {
      ::munmap(whole, size_ + 2 * page_size());
      throw std::bad_alloc();
    }
    // A kernel that knows one of them not does without it: there is nothing better to be had.
    ::madvise(bytes_, size_, MADV_DONTDUMP);
    ::madvise(bytes_, size_, MADV_WIPEONFORK);
    // Not mlock(3): AddressSanitizer and ThreadSanitizer replace that with a function that does nothing.
    is_locked_ = ::syscall(SYS_mlock, bytes_, size_) == 0;
  }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;
  ~Pages() {
    permit(bytes_, size_);
    ::munmap(bytes_ - page_size(), size_ + 2 * page_size());
  }

  [[nodiscard]] char* bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool is_locked() const noexcept { return is_locked_; }

 private:
  std::size_t size_;
  char* bytes_ = nullptr;
  bool is_locked_ = false;
};

struct Slab {
  Slab(std::size_t size, std::size_t slot_class_in) : pages(size), slot_class(slot_class_in) {}
  Pages pages;
  std::size_t slot_class; // index into kSlotSizes; its size: a mapping for one block
  std::vector<std::uint16_t> free;
};

class Heap final {
 public:
  [[nodiscard]] Block allocate(std::size_t size);
  void release(Block block) noexcept;
  [[nodiscard]] Usage usage() noexcept {
    const std::lock_guard lock(mutex_);
    return usage_;
  }

 private:
  Slab& add(std::size_t size, std::size_t slot_class);
  void drop(Slab& slab) noexcept;

  std::mutex mutex_;
  std::map<const char*, std::unique_ptr<Slab>> slabs_; // by where they begin
  std::array<std::vector<Slab*>, kSlotSizes.size()> with_room_;
  Usage usage_;
};

Slab& Heap::add(std::size_t size, std::size_t slot_class) {
  auto slab = std::make_unique<Slab>(size, slot_class);
  Slab& added = *slab;
  if (slot_class < kSlotSizes.size()) {
    const std::size_t slots = kSlabSize / kSlotSizes[slot_class];
    added.free.reserve(slots); // release() must not need memory
    for (std::size_t slot = slots; slot > 0; --slot)
      added.free.push_back(static_cast<std::uint16_t>(slot - 1));
    with_room_[slot_class].reserve(slabs_.size() + 1);
    forbid(added.pages.bytes(), added.pages.size());
  }
  slabs_.emplace(added.pages.bytes(), std::move(slab));
  (added.pages.is_locked() ? usage_.locked : usage_.not_locked) += added.pages.size();
  return added;
}

void Heap::drop(Slab& slab) noexcept {
  (slab.pages.is_locked() ? usage_.locked : usage_.not_locked) -= slab.pages.size();
  slabs_.erase(slab.pages.bytes());
}

Block Heap::allocate(std::size_t size) {
  if (size == 0) return {};
  const auto* const slot_size = std::ranges::lower_bound(kSlotSizes, size);
  const auto slot_class = static_cast<std::size_t>(slot_size - kSlotSizes.begin());
  const std::lock_guard lock(mutex_);
  if (slot_class == kSlotSizes.size()) {
    const Slab& own = add(size, slot_class);
    return {own.pages.bytes(), own.pages.size()};
  }
  auto& with_room = with_room_[slot_class];
  if (with_room.empty()) {
    Slab& added = add(kSlabSize, slot_class);
    with_room.push_back(&added);
  }
  Slab& slab = *with_room.back();
  char* const bytes = slab.pages.bytes() + slab.free.back() * *slot_size;
  slab.free.pop_back();
  if (slab.free.empty()) with_room.pop_back();
  permit(bytes, *slot_size);
  return {bytes, *slot_size};
}

void Heap::release(Block block) noexcept {
  if (block.bytes == nullptr) return;
  wipe_memory(block.bytes, block.capacity);
  const std::lock_guard lock(mutex_);
  Slab& slab = *std::prev(slabs_.upper_bound(block.bytes))->second;
  if (slab.slot_class == kSlotSizes.size()) return drop(slab);
  forbid(block.bytes, block.capacity);
  auto& with_room = with_room_[slab.slot_class];
  if (slab.free.empty()) with_room.push_back(&slab);
  const auto offset = static_cast<std::size_t>(block.bytes - slab.pages.bytes());
  slab.free.push_back(static_cast<std::uint16_t>(offset / kSlotSizes[slab.slot_class]));
  // One empty slab of a size is kept, so that a lone secret that comes and goes maps no pages each time.
  if (slab.free.size() < kSlabSize / kSlotSizes[slab.slot_class] || with_room.size() == 1) return;
  std::erase(with_room, &slab);
  drop(slab);
}

// Never destroyed: secrets with static storage are given back after everything else.
[[nodiscard]] Heap& heap() {
  static Heap* const the_heap = std::make_unique<Heap>().release();
  return *the_heap;
}

} // namespace

Block allocate(std::size_t size) {
  return heap().allocate(size);
}

void release(Block block) noexcept {
  heap().release(block);
}

Usage usage() noexcept {
  return heap().usage();
}

} // namespace mailmoor::secret_memory
