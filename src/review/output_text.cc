// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "review/output.h"

namespace vortex::review {
namespace {

constexpr std::size_t kColumns = 100;

// How many columns a text takes, for the scripts that specs are written in.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Words wrapped at kColumns; every line but the first is indented, and a word that is too long is
// cut.
std::string Wrap(const std::string& first, const std::string& text, std::size_t indent) {
  std::string out = first;
  std::size_t column = Width(first);
  std::size_t at = 0;
  bool fresh = true;
  while (at < text.size()) {
    std::size_t end = std::min(text.find(' ', at), text.size());
    std::string word = text.substr(at, end - at);
    at = end + 1;
    if (!fresh && column + 1 + Width(word) > kColumns) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
      fresh = true;
    }
    while (column + Width(word) + (fresh ? 0 : 1) > kColumns && fresh) {
      std::size_t bytes = 0, width = 0;
      while (bytes < word.size() && (width < kColumns - column || (word[bytes] & 0xC0) == 0x80)) {
        if ((word[bytes] & 0xC0) != 0x80) ++width;
        ++bytes;
      }
      if (bytes == 0 || bytes >= word.size()) break;
      out += word.substr(0, bytes) + "\n" + std::string(indent, ' ');
      word.erase(0, bytes);
      column = indent;
    }
    out += (fresh ? "" : " ") + word;
    column += Width(word) + (fresh ? 0 : 1);
    fresh = false;
  }
  return out + "\n";
}

std::string Where(Position at) { return fmt::format("{}:{}", at.line, at.column); }

std::string Counts(const AuditReport& report) {
  std::array<int, 4> counts{};
  int without = 0;
  for (const Finding& finding : report.findings) {
    if (finding.not_applicable.empty()) {
      ++counts[static_cast<std::size_t>(finding.severity)];
    } else {
      ++without;
    }
  }
  std::string out = fmt::format("{} critical, {} high, {} warning, {} note", counts[3], counts[2],
                                counts[1], counts[0]);
  if (without > 0)
    out += fmt::format(", {} not applicable under {}", without, report.runtime_class);
  return out;
}

std::string FindingText(const Finding& finding, bool details) {
  const std::string severity =
      finding.not_applicable.empty() ? std::string(Name(finding.severity)) : "n/a";
  std::string out = Wrap(fmt::format("{:<8}  {}  ", severity, finding.rule->id),
                         fmt::format("{} ({}) {}: {}", finding.rule->name, Where(finding.at),
                                     finding.path, finding.message),
                         10);
  if (!finding.not_applicable.empty())
    return out + Wrap("          not applicable: ", finding.not_applicable, 10);
  if (!details) return out;
  out += Wrap("          attack: ", std::string(finding.rule->attack), 10);
  out += Wrap("          fix:    ", std::string(finding.rule->fix), 10);
  out += Wrap("          source: ", std::string(finding.rule->source), 10);
  return out;
}

}  // namespace

std::string AuditText(const AuditReport& report, const std::string& file, bool details) {
  std::string out = Wrap("",
                         fmt::format("{}: judged for {} (from {})", Printable(file),
                                     report.runtime_class, report.class_from),
                         2);
  std::vector<const Finding*> order;
  for (const Finding& finding : report.findings) order.push_back(&finding);
  const auto rank = [](const Finding* finding) {
    return finding->not_applicable.empty() ? static_cast<int>(finding->severity) : -1;
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const Finding* a, const Finding* b) { return rank(a) > rank(b); });
  for (const Finding* finding : order) out += FindingText(*finding, details);
  return out + Counts(report) + "\n";
}

std::string DiffText(const DiffReport& report, const std::string& a, const std::string& b) {
  std::string out = Wrap("", fmt::format("{} → {}", Printable(a), Printable(b)), 2);
  std::array<int, 4> counts{};
  for (const Change& change : report.changes) {
    ++counts[static_cast<std::size_t>(change.direction)];
    std::string text = fmt::format("{} ({})", change.what, Where(change.at));
    const bool plain = (change.before.empty() || change.before == "yes") &&
                       (change.after.empty() || change.after == "yes");
    if (plain) {
      text += change.after.empty() ? ": removed" : ": added";
    } else {
      text += fmt::format(": {} → {}", change.before.empty() ? "absent" : change.before,
                          change.after.empty() ? "absent" : change.after);
    }
    out += Wrap(fmt::format("{:<9} ", Name(change.direction)), text, 10);
  }
  return out + fmt::format("{} loosens, {} unknown, {} tightens, {} neutral\n",
                           counts[static_cast<std::size_t>(Direction::kLoosens)],
                           counts[static_cast<std::size_t>(Direction::kUnknown)],
                           counts[static_cast<std::size_t>(Direction::kTightens)],
                           counts[static_cast<std::size_t>(Direction::kNeutral)]);
}

}  // namespace vortex::review
