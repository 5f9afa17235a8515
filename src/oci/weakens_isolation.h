// SPDX-License-Identifier: Apache-2.0
// The mark of every place that makes a spec weaker than the hardened default. It cannot be weakened
// without naming this type: `grep -rn 'WeakensIsolation{' src` is the whole list, and
// docs/reviewer/loosening.md explains each (a test compares the two).
//
//   job.capabilities = {oci::WeakensIsolation{"an operator's allow entry gives it"}, names};
#pragma once

#include <utility>

namespace vortex::oci {

// clang 14 crashes on consteval constructors among designated initializers; it only fuzzes and
// lints.
#if defined(__clang__) && __clang_major__ < 17
#define VX_CONSTEVAL constexpr
#else
#define VX_CONSTEVAL consteval
#endif

class WeakensIsolation {
 public:
  // `reason` is a literal: what justifies it, for the reviewer who reads the place.
  VX_CONSTEVAL explicit WeakensIsolation(const char* reason) {
    // Not a constant expression: an empty reason does not compile.
    if (*reason == '\0') throw "say why";
  }
};

// A field whose default is the hardened value, and which takes no other without the mark. Read like
// a pointer.
template <typename T>
class Weakening {
 public:
  constexpr Weakening() = default;
  constexpr Weakening(WeakensIsolation, T value) : value_(std::move(value)) {}

  constexpr const T& operator*() const { return value_; }
  constexpr const T* operator->() const { return &value_; }

 private:
  T value_{};
};

// A protection that is in force unless it is left out with the mark.
class Protection {
 public:
  constexpr Protection() = default;
  constexpr Protection(WeakensIsolation)
      : in_force_(false) {}  // NOLINT(google-explicit-constructor)

  constexpr explicit operator bool() const { return in_force_; }

 private:
  bool in_force_ = true;
};

#undef VX_CONSTEVAL

}  // namespace vortex::oci
