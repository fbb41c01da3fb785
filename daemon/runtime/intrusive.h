// A node of a doubly linked ring that takes itself out when it is destroyed: what makes cancellation by destruction
// O(1) and safe. Loop thread only.
#pragma once

namespace mailmoor::runtime {

class RingNode {
 public:
  RingNode() noexcept = default;
  RingNode(const RingNode&) = delete;
  RingNode& operator=(const RingNode&) = delete;
  ~RingNode() { unlink(); }

  [[nodiscard]] bool is_linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = this;
  }
  // Puts `node` last in the ring that this node heads.
  void push_back(RingNode& node) noexcept {
    node.unlink();
    node.previous_ = previous_;
    node.next_ = this;
    previous_->next_ = &node;
    previous_ = &node;
  }
  // The first node of the ring that this node heads, or this node itself when there is none.
  [[nodiscard]] RingNode& front() const noexcept { return *next_; }
  // Moves all nodes of `other`'s ring behind this one's.
  void splice(RingNode& other) noexcept {
    while (other.is_linked())
      push_back(other.front());
  }

 private:
  RingNode* next_ = this;
  RingNode* previous_ = this;
};

} // namespace mailmoor::runtime
