// SPDX-License-Identifier: Apache-2.0
// Between the files of the audit only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "review/audit.h"

namespace vortex::review {

class AuditContext {
 public:
  AuditContext(const Value& root, std::string runtime_class, std::vector<Finding>& out)
      : root_(root), class_(std::move(runtime_class)), out_(out) {}

  const Node& root() const { return root_; }
  const std::string& runtime_class() const { return class_; }
  bool own_kernel() const { return class_ == "gvisor" || class_ == "kata"; }

  // The message is about `where`, whose path is put before it.
  void Add(std::string_view rule, const Node& where, const std::string& message,
           std::optional<Severity> severity = std::nullopt);
  void AddAt(std::string_view rule, const std::string& path, Position at,
             const std::string& message, std::optional<Severity> severity = std::nullopt);

  bool HasNamespace(std::string_view type) const;     // new or joined
  bool HasNewNamespace(std::string_view type) const;  // new

 private:
  Node root_;
  std::string class_;
  std::vector<Finding>& out_;
};

void AuditShape(AuditContext& audit);
void AuditNamespaces(AuditContext& audit);
void AuditProcess(AuditContext& audit);
void AuditRlimits(AuditContext& audit);
void AuditCapabilities(AuditContext& audit);
void AuditSeccomp(AuditContext& audit);
void AuditMounts(AuditContext& audit);
void AuditPaths(AuditContext& audit);
void AuditDevices(AuditContext& audit);
void AuditResources(AuditContext& audit);
void AuditHost(AuditContext& audit);

// "/var/run/…" as "/run/…", without "//", "/./" and a last "/"; ".." is kept.
std::string NormalPath(std::string_view path);
// `path` is `root` or below; both normal.
bool Within(std::string_view path, std::string_view root);
// A limit as a number: absent, 0 where `zero_is_none`, negative and what does not fit mean none.
std::optional<std::int64_t> Limit(const Node& node);

// A mount's options, read in order: of opposites the last one counts.
struct MountOptions {
  bool read_only = false, nosuid = false, nodev = false, noexec = false, bind = false;
  int propagation = 1;  // 0 private or unbindable, 1 not given, 2 slave, 3 shared
  std::optional<std::string> size, hidepid, mode, subset, inodes;
  std::vector<std::string> unknown;
};
MountOptions ReadOptions(const Node& options);
bool IsBind(const Node& mount);

}  // namespace vortex::review
