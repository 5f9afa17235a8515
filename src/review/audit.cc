// SPDX-License-Identifier: Apache-2.0
#include "review/audit.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <tuple>

#include "base/status.h"
#include "base/utf8.h"
#include "oci/runtime_class.h"
#include "review/audit_context.h"
#include "review/schema.h"

namespace vortex::review {

std::string Printable(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // Cut between characters, never inside of one.
    if (out.size() >= kMost && (byte & 0xC0) != 0x80) return out + "…";
    const std::size_t hidden = base::ControlLength(text.substr(i));
    if (hidden == 1) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (hidden > 1) {
      const auto at = [&](std::size_t k) { return static_cast<unsigned>(text[i + k]) & 0x3F; };
      const unsigned code =
          hidden == 2 ? (byte & 0x1FU) << 6 | at(1) : (byte & 0x0FU) << 12 | at(1) << 6 | at(2);
      out += fmt::format("\\u{:04x}", code);
      i += hidden - 1;
    } else {
      out += text[i];
    }
  }
  return out;
}

void AuditContext::AddAt(std::string_view rule_name, const std::string& path, Position at,
                         const std::string& message, std::optional<Severity> severity) {
  const Rule& rule = FindRule(rule_name);
  out_.push_back({&rule, severity.value_or(rule.severity), Printable(path), at, Printable(message),
                  std::string(NotApplicable(rule.scope, class_))});
}

void AuditContext::Add(std::string_view rule, const Node& where, const std::string& message,
                       std::optional<Severity> severity) {
  AddAt(rule, where.path(), where.at(), message, severity);
}

bool AuditContext::HasNamespace(std::string_view type) const {
  for (const Node& item : root_["linux"]["namespaces"].Items()) {
    if (item["type"].Text() == type) return true;
  }
  return false;
}

bool AuditContext::HasNewNamespace(std::string_view type) const {
  for (const Node& item : root_["linux"]["namespaces"].Items()) {
    if (item["type"].Text() == type && item["path"].Text().empty()) return true;
  }
  return false;
}

std::string NormalPath(std::string_view path) {
  std::string out;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    if (!part.empty() && part != ".") out += "/" + std::string(part);
    at = end + 1;
  }
  if (!path.starts_with('/') && !out.empty()) out.erase(0, 1);
  if (out.empty() && path.starts_with('/')) out = "/";
  if (out == "/var/run" || out.starts_with("/var/run/")) out.erase(0, 4);
  return out;
}

bool Within(std::string_view path, std::string_view root) {
  if (root == "/") return path.starts_with('/');
  return path.starts_with(root) && (path.size() == root.size() || path[root.size()] == '/');
}

std::optional<std::int64_t> Limit(const Node& node) {
  const auto value = node.Int();
  if (!value || *value < 0 || *value == std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return value;
}

void AuditShape(AuditContext& audit) {
  CheckShape(*audit.root().value(), [&](Oddity oddity, const Node& node, const std::string& hint) {
    switch (oddity) {
      case Oddity::kUnknown:
        return audit.Add("spec.unknown-field", node, "not a field of the OCI spec");
      case Oddity::kCase:
        return audit.Add("spec.case-variant-field", node,
                         fmt::format("read as \"{}\" by runtimes written in Go, by others not at "
                                     "all; this audit does not read it",
                                     hint));
      case Oddity::kType:
        return audit.Add("spec.wrong-type", node, fmt::format("must be {}", hint));
      case Oddity::kForeign:
        return audit.Add("spec.foreign-platform", node, "a section for another platform");
      case Oddity::kNul:
        return audit.Add("spec.nul-in-string", node, "holds a NUL character");
    }
  });
  for (const char* section : {"process", "root", "linux"}) {
    if (!audit.root()[section]) audit.Add("spec.missing-section", audit.root()[section], "absent");
  }
  const std::string& version = audit.root()["ociVersion"].Text();
  if (!version.starts_with("1.")) {
    audit.Add("spec.oci-version", audit.root()["ociVersion"],
              version.empty() ? "absent" : fmt::format("\"{}\" is no version 1", version));
  }
}

int AuditReport::Worst() const {
  int worst = -1;
  for (const Finding& finding : findings) {
    if (finding.not_applicable.empty()) worst = std::max(worst, static_cast<int>(finding.severity));
  }
  return worst;
}

AuditReport AuditSpec(const Value& root, std::string runtime_class) {
  AuditReport report;
  AuditContext audit(root, runtime_class, report.findings);
  for (const auto part :
       {AuditShape, AuditNamespaces, AuditProcess, AuditRlimits, AuditCapabilities, AuditSeccomp,
        AuditMounts, AuditPaths, AuditDevices, AuditResources, AuditHost}) {
    part(audit);
  }
  report.runtime_class = std::move(runtime_class);
  std::stable_sort(report.findings.begin(), report.findings.end(),
                   [](const Finding& a, const Finding& b) {
                     return std::tie(a.at.line, a.at.column, a.rule->id) <
                            std::tie(b.at.line, b.at.column, b.rule->id);
                   });
  return report;
}

absl::StatusOr<AuditReport> AuditSpec(std::string_view text, const AuditOptions& options) {
  VX_ASSIGN_OR_RETURN(const Value root, ParseJson(text));
  if (root.kind != Kind::kObject)
    return InvalidArgument("line 1, column 1: an OCI spec is a JSON object");
  std::string name = options.runtime_class, from = "the command line";
  if (name.empty()) {
    name = Node(root)["annotations"]["io.vortex.runtime-class"].Text();
    from = "an annotation";
  }
  if (name.empty()) {
    name = "runc";
    from = "the default";
  }
  VX_RETURN_IF_ERROR(oci::ParseRuntimeClass(Printable(name)).status());
  AuditReport report = AuditSpec(root, name);
  report.class_from = from;
  return report;
}

}  // namespace vortex::review
