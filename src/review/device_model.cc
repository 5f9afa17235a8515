// SPDX-License-Identifier: Apache-2.0
#include "review/device_model.h"

#include <fmt/format.h>

#include <algorithm>

namespace vortex::review {
namespace {

// The letters of "rwm" that are in `text`, in this order.
std::string Access(std::string_view text) {
  std::string out;
  for (const char c : std::string_view("rwm")) {
    if (text.find(c) != std::string_view::npos) out += c;
  }
  return out;
}

std::string Without(std::string_view access, std::string_view gone) {
  std::string out;
  for (const char c : access) {
    if (gone.find(c) == std::string_view::npos) out += c;
  }
  return out;
}

void Merge(std::vector<DeviceState>& list, DeviceState state) {
  for (DeviceState& have : list) {
    if (have.key == state.key) {
      have.access = Access(have.access + state.access);
      return;
    }
  }
  list.push_back(std::move(state));
}

void Remove(std::vector<DeviceState>& list, const DeviceState& state) {
  const auto inside = [&](const DeviceKey& key) {
    const DeviceKey& all = state.key;
    return (all.type == 'a' || all.type == key.type) && (all.major < 0 || all.major == key.major) &&
           (all.minor < 0 || all.minor == key.minor);
  };
  for (DeviceState& have : list) {
    if (inside(have.key)) have.access = Without(have.access, state.access);
  }
  std::erase_if(list, [](const DeviceState& have) { return have.access.empty(); });
}

bool Overlaps(const DeviceKey& a, const DeviceKey& b) {
  return (a.type == 'a' || b.type == 'a' || a.type == b.type) &&
         (a.major < 0 || b.major < 0 || a.major == b.major) &&
         (a.minor < 0 || b.minor < 0 || a.minor == b.minor);
}

}  // namespace

std::string DeviceKey::Text() const {
  const auto number = [](std::int64_t n) { return n < 0 ? std::string("*") : std::to_string(n); };
  return fmt::format("{} {}:{}", type, number(major), number(minor));
}

DeviceModel::DeviceModel(const Node& rules) : at(rules.at()), path(rules.path()) {
  for (const Node& rule : rules.Items()) {
    DeviceState state;
    const std::string& type = rule["type"].Text();
    state.key.type = type.empty() ? 'a' : type.front();
    state.key.major = rule["major"].Int().value_or(-1);
    state.key.minor = rule["minor"].Int().value_or(-1);
    if (state.key.type == 'a') state.key.major = state.key.minor = -1;
    state.access = Access(rule["access"] ? rule["access"].Text() : "rwm");
    state.at = rule.at();
    state.path = rule.path();
    const bool allow = rule["allow"].IsTrue();
    // A rule for all devices and every access starts anew.
    if (state.key.type == 'a' && state.access == "rwm") {
      allow_by_default = allow;
      allowed.clear();
      denied.clear();
      at = state.at;
      path = state.path;
    } else if (allow) {
      Remove(denied, state);
      if (!allow_by_default) Merge(allowed, std::move(state));
    } else {
      Remove(allowed, state);
      const bool wider = std::any_of(allowed.begin(), allowed.end(), [&](const DeviceState& have) {
        return Overlaps(have.key, state.key);
      });
      if (allow_by_default || wider) Merge(denied, std::move(state));
    }
  }
}

}  // namespace vortex::review
