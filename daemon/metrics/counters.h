// SPDX-License-Identifier: Apache-2.0
// Numbers that one thread writes and any thread reads: no lock, no
// read-modify-write, no allocation once a series exists.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace gatewhy {

class Counter {
 public:
  void add(std::uint64_t more = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Grows at its end only; what is in it never moves. One thread grows it, any
// thread walks it.
template <typename T>
class GrowingList {
 public:
  GrowingList() = default;
  ~GrowingList() {
    for (Node* node = head_.load(std::memory_order_relaxed); node != nullptr;) {
      const std::unique_ptr<Node> dead(node);
      node = node->next.load(std::memory_order_relaxed);
    }
  }
  GrowingList(const GrowingList&) = delete;
  GrowingList& operator=(const GrowingList&) = delete;

  template <typename... Arguments>
  T& grow(Arguments&&... arguments) {
    auto* node = std::make_unique<Node>(std::forward<Arguments>(arguments)...).release();  // the list owns it
    (tail_ != nullptr ? tail_->next : head_).store(node, std::memory_order_release);
    tail_ = node;
    return node->value;
  }
  template <typename Visit>
  void forEach(Visit&& visit) const {
    for (const Node* node = head_.load(std::memory_order_acquire); node != nullptr;
         node = node->next.load(std::memory_order_acquire)) {
      visit(node->value);
    }
  }
  // The growing thread only. nullptr: none such.
  template <typename Match>
  [[nodiscard]] T* find(Match&& match) {
    for (Node* node = head_.load(std::memory_order_relaxed); node != nullptr;
         node = node->next.load(std::memory_order_relaxed)) {
      if (match(std::as_const(node->value))) {
        return &node->value;
      }
    }
    return nullptr;
  }

 private:
  struct Node {
    template <typename... Arguments>
    explicit Node(Arguments&&... arguments) : value{std::forward<Arguments>(arguments)...} {}
    T value;
    std::atomic<Node*> next{nullptr};
  };
  std::atomic<Node*> head_{nullptr};
  Node* tail_ = nullptr;
};

// Keyed counters of which there are few.
template <typename Key>
struct KeyedCounter {
  Key key;
  Counter count;
};

// One more of `key`. The thread that grows the list.
template <typename Key>
void countOne(GrowingList<KeyedCounter<Key>>& list, const Key& key) {
  KeyedCounter<Key>* found = list.find([&](const KeyedCounter<Key>& known) { return known.key == key; });
  (found != nullptr ? *found : list.grow(key)).count.add();
}

}  // namespace gatewhy
