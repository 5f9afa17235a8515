// SPDX-License-Identifier: Apache-2.0
#include "egress/ledger.h"

namespace vortex::egress {
namespace {

constexpr char kOthers[] = "(others)";
// A DNS name and a port, and room for text that is no name.
constexpr std::size_t kMaxTarget = 300;

}  // namespace

Ledger::Ledger(std::function<void(const DenialRecord&)> on_new,
               std::function<std::int64_t()> now_unix_ns)
    : on_new_(std::move(on_new)), now_(std::move(now_unix_ns)) {}

void Ledger::Deny(std::string action, std::string target, std::string rule,
                  std::string allowed_by) {
  if (target.size() > kMaxTarget) target = target.substr(0, kMaxTarget) + "...";
  // What is no printable ASCII is no host either, and would grow sixfold in a message.
  for (char& c : target) c = c < 0x20 || c > 0x7e ? '?' : c;
  Key key{rule, target, action};
  auto it = denials_.find(key);
  if (it == denials_.end() && denials_.size() >= kMaxDistinct) {
    // One such record a rule and action: both are of a small fixed set.
    target = kOthers;
    key = {rule, target, action};
    it = denials_.find(key);
  }
  const std::int64_t now = now_();
  if (it != denials_.end()) {
    ++it->second.count;
    it->second.last_unix_ns = now;
    return;
  }
  DenialRecord record{
      std::move(action), std::move(target), std::move(rule), std::move(allowed_by), 1, now, now};
  on_new_(record);
  denials_.emplace(std::move(key), std::move(record));
}

HostRecord& Ledger::Host(const std::string& host, int port) {
  std::pair<std::string, int> key{host, port};
  if (!hosts_.contains(key) && hosts_.size() >= kMaxDistinct) key = {kOthers, 0};
  HostRecord& record = hosts_[key];
  record.host = key.first;
  record.port = key.second;
  return record;
}

ProxyReport Ledger::Report() const {
  ProxyReport out;
  out.ready = true;
  out.complete = true;
  out.connections = connections_;
  for (const auto& [key, record] : denials_) out.denials.push_back(record);
  for (const auto& [key, record] : hosts_) out.hosts.push_back(record);
  return out;
}

}  // namespace vortex::egress
