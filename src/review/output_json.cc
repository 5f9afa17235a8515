// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "review/output.h"

namespace vortex::review {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(2) + "\n"; }

std::string Sentence(std::string_view text) {
  std::string out(text);
  if (!out.empty() && out.back() != '.') out += '.';
  return out;
}

// GitHub's scale: 9 critical, 7 high, 4 medium, below low.
const char* SecuritySeverity(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
      return "9.5";
    case Severity::kHigh:
      return "7.5";
    case Severity::kWarning:
      return "5.0";
    case Severity::kNote:
      return "2.0";
  }
  return "2.0";
}

const char* Level(Severity severity) {
  switch (severity) {
    case Severity::kCritical:
    case Severity::kHigh:
      return "error";
    case Severity::kWarning:
      return "warning";
    case Severity::kNote:
      return "note";
  }
  return "note";
}

// A URI reference: what is not unreserved or "/" is encoded (RFC 3986). stdin has a name of its
// own.
std::string Uri(const std::string& file) {
  if (file == "-") return "stdin.json";
  std::string out = file.starts_with('/') ? "file://" : "";
  for (const char c : file) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return out;
}

Json Location(const std::string& file, Position at, const std::string& path) {
  Json out = {{"physicalLocation",
               {{"artifactLocation", {{"uri", Uri(file)}}},
                {"region", {{"startLine", at.line}, {"startColumn", at.column}}}}}};
  if (!path.empty())
    out["logicalLocations"] = Json::array({{{"fullyQualifiedName", path}, {"kind", "member"}}});
  return out;
}

Json Log(Json rules, Json results, const std::string& version) {
  return {{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", Json::array({{{"tool",
                                  {{"driver",
                                    {{"name", "vortexctl spec"},
                                     {"semanticVersion", version},
                                     {"rules", std::move(rules)}}}}},
                                 {"columnKind", "unicodeCodePoints"},
                                 {"results", std::move(results)}}})}};
}

Json RuleJson(const Rule& rule) {
  std::string help = fmt::format("{}\n\nFix: {}\n\nSource: {}", rule.attack, Sentence(rule.fix),
                                 Sentence(rule.source));
  return {{"id", rule.id},
          {"name", rule.name},
          {"shortDescription", {{"text", fmt::format("{}: {}", rule.field, rule.name)}}},
          {"fullDescription", {{"text", rule.attack}}},
          {"help", {{"text", std::move(help)}}},
          {"defaultConfiguration", {{"level", Level(rule.severity)}}},
          {"properties",
           {{"security-severity", SecuritySeverity(rule.severity)},
            {"tags", {"security", "container"}}}}};
}

}  // namespace

std::string AuditJson(const AuditReport& report, const std::string& file) {
  Json findings = Json::array();
  for (const Finding& finding : report.findings) {
    Json out = {{"id", finding.rule->id},
                {"rule", finding.rule->name},
                {"severity", Name(finding.severity)},
                {"path", finding.path},
                {"line", finding.at.line},
                {"column", finding.at.column},
                {"message", finding.message},
                {"attack", finding.rule->attack},
                {"fix", finding.rule->fix},
                {"source", finding.rule->source}};
    if (!finding.not_applicable.empty()) out["not_applicable"] = finding.not_applicable;
    findings.push_back(std::move(out));
  }
  return Dump({{"file", Printable(file)},
               {"runtime_class", report.runtime_class},
               {"runtime_class_from", report.class_from},
               {"findings", std::move(findings)}});
}

std::string AuditSarif(const AuditReport& report, const std::string& file,
                       const std::string& version) {
  std::map<std::string_view, const Rule*> used;
  for (const Finding& finding : report.findings) used.emplace(finding.rule->id, finding.rule);
  Json rules = Json::array();
  std::map<std::string_view, std::size_t> index;
  for (const auto& [id, rule] : used) {
    index[id] = rules.size();
    rules.push_back(RuleJson(*rule));
  }
  Json results = Json::array();
  for (const Finding& finding : report.findings) {
    const bool applies = finding.not_applicable.empty();
    std::string text = finding.path + ": " + finding.message;
    if (!applies)
      text +=
          " (not applicable under " + report.runtime_class + ": " + finding.not_applicable + ")";
    results.push_back({{"ruleId", finding.rule->id},
                       {"ruleIndex", index[finding.rule->id]},
                       {"kind", applies ? "fail" : "notApplicable"},
                       {"level", applies ? Level(finding.severity) : "none"},
                       {"message", {{"text", Sentence(text)}}},
                       {"locations", Json::array({Location(file, finding.at, finding.path)})},
                       // The same finding in the next version of the file, wherever its line is.
                       {"partialFingerprints",
                        {{"rulePath/v1", fmt::format("{}:{}", finding.rule->id, finding.path)}}}});
  }
  return Dump(Log(std::move(rules), std::move(results), version));
}

std::string DiffJson(const DiffReport& report, const std::string& a, const std::string& b) {
  Json changes = Json::array();
  for (const Change& change : report.changes) {
    changes.push_back({{"direction", Name(change.direction)},
                       {"what", change.what},
                       {"before", change.before.empty() ? Json() : Json(change.before)},
                       {"after", change.after.empty() ? Json() : Json(change.after)},
                       {"path", change.path},
                       {"line", change.at.line},
                       {"column", change.at.column}});
  }
  return Dump({{"a", Printable(a)},
               {"b", Printable(b)},
               {"clean", report.Clean()},
               {"changes", std::move(changes)}});
}

std::string DiffSarif(const DiffReport& report, const std::string& a, const std::string& b,
                      const std::string& version) {
  struct DirectionRule {
    Direction direction;
    const char* id;
    const char* level;
    const char* text;
  };
  static constexpr DirectionRule kKinds[] = {
      {Direction::kLoosens, "VX-DIFF-0001", "error", "The second spec allows more than the first."},
      {Direction::kUnknown, "VX-DIFF-0002", "warning",
       "The specs differ, and which one allows more is not known: judge it by hand."},
      {Direction::kTightens, "VX-DIFF-0003", "note", "The second spec allows less than the first."},
      {Direction::kNeutral, "VX-DIFF-0004", "none",
       "The specs differ in what says nothing about isolation."}};
  Json rules = Json::array();
  for (const DirectionRule& kind : kKinds) {
    rules.push_back({{"id", kind.id},
                     {"name", fmt::format("diff.{}", Name(kind.direction))},
                     {"shortDescription", {{"text", kind.text}}},
                     {"help", {{"text", kind.text}}},
                     {"defaultConfiguration", {{"level", kind.level}}}});
  }
  Json results = Json::array();
  for (const Change& change : report.changes) {
    const auto* kind =
        std::find_if(std::begin(kKinds), std::end(kKinds),
                     [&](const DirectionRule& k) { return k.direction == change.direction; });
    results.push_back(
        {{"ruleId", kind->id},
         {"ruleIndex", kind - std::begin(kKinds)},
         {"kind", change.direction == Direction::kLoosens   ? "fail"
                  : change.direction == Direction::kUnknown ? "review"
                                                            : "informational"},
         {"level", change.direction == Direction::kLoosens ? "error" : "none"},
         {"message",
          {{"text",
            fmt::format("{}: {}; compared with {}: {} → {}.", Name(change.direction), change.what,
                        Printable(a), change.before.empty() ? "absent" : change.before,
                        change.after.empty() ? "absent" : change.after)}}},
         {"locations", Json::array({Location(b, change.at, change.path)})},
         {"partialFingerprints", {{"change/v1", fmt::format("{}:{}", kind->id, change.what)}}}});
  }
  return Dump(Log(std::move(rules), std::move(results), version));
}

}  // namespace vortex::review
