// SPDX-License-Identifier: Apache-2.0
// The facts of one mount.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "review/audit_context.h"
#include "review/facts.h"

namespace vortex::review {
namespace {

// "64m" → bytes; nothing for percentages and what is no size.
std::optional<double> Size(const std::string& text) {
  double number = 0;
  std::size_t i = 0;
  for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i)
    number = number * 10 + (text[i] - '0');
  if (i == 0) return std::nullopt;
  double unit = 1;
  if (i < text.size()) {
    switch (text[i] | 0x20) {
      case 'k':
        unit = 1024;
        break;
      case 'm':
        unit = 1024.0 * 1024;
        break;
      case 'g':
        unit = 1024.0 * 1024 * 1024;
        break;
      default:
        return std::nullopt;
    }
    if (i + 1 != text.size()) return std::nullopt;
  }
  return number == 0 ? std::nullopt : std::optional(number * unit);
}

std::int64_t Octal(const std::string& text) {
  std::int64_t out = 0;
  for (const char c : text.substr(0, 8)) {
    if (c < '0' || c > '7') return 07777;
    out = out * 8 + (c - '0');
  }
  return out;
}

}  // namespace

void MountFacts(const Node& mount, const std::string& key, FactWriter& facts) {
  const MountOptions options = ReadOptions(mount["options"]);
  const Node where = mount["options"];
  const std::string& type = mount["type"].Text();
  const std::string source = NormalPath(mount["source"].Text());
  const std::string destination = NormalPath(mount["destination"].Text());
  const bool bind = IsBind(mount);
  const std::string kind = bind ? "bind" : type;
  // A mount over a part of /proc or /sys hides what is there, and shows something else.
  const bool hides =
      source == "/dev/null" || ((Within(destination, "/proc") || Within(destination, "/sys")) &&
                                destination != "/proc" && destination != "/sys");
  if (hides) {
    facts.Unknown(key, mount);
    facts.Under(key);
  } else {
    const std::string grant = fmt::format("{}: {}", key, kind);
    facts.Grant(grant, mount["destination"]);
    facts.Under(grant);
  }
  facts.Neutral(key + " type as written", mount["type"]);
  // The bundle's copy has a name of its own for each digest.
  if (bind) {
    facts.Unknown(key + " source", mount["source"], destination == "/plugin");
  } else {
    facts.Neutral(key + " source", mount["source"]);
  }
  if (options.read_only) facts.Guard(key + " ro", where);
  if (options.nosuid) facts.Guard(key + " nosuid", where);
  if (options.nodev) facts.Guard(key + " nodev", where);
  if (options.noexec) facts.Guard(key + " noexec", where);
  static constexpr const char* kPropagation[] = {"private", "not given", "slave", "shared"};
  facts.Ceiling(key + " propagation", where, options.propagation,
                kPropagation[options.propagation]);
  const auto words = mount["options"].Texts();
  if (std::find(words.begin(), words.end(), "rbind") != words.end())
    facts.Grant(key + " with mounts below it", where);
  if (std::find(words.begin(), words.end(), "nosymfollow") != words.end())
    facts.Guard(key + " nosymfollow", where);
  if (std::find(words.begin(), words.end(), "newinstance") != words.end())
    facts.Guard(key + " newinstance", where);
  for (const auto& [name, text] :
       {std::pair("size", options.size), {"nr_inodes", options.inodes}}) {
    if (const auto size = text ? Size(*text) : std::nullopt)
      facts.Ceiling(fmt::format("{} {}", key, name), where, *size, *text);
  }
  if (options.hidepid) facts.Unknown(key + " hidepid=" + *options.hidepid, where);
  if (options.subset) facts.Guard(key + " subset=" + *options.subset, where);
  if (type == "tmpfs" || options.mode) {
    const std::int64_t mode = Octal(options.mode.value_or("1777"));
    facts.Mode(key, where, mode, 06777);
    // Who may not write, may not remove what is others' either.
    if ((mode & 01000) != 0 || (mode & 022) == 0) facts.Guard(key + " sticky", where);
  }
  for (const std::string& word : options.unknown) facts.Unknown(key + " option " + word, where);
  // The rest, so that no word of the list is skipped.
  std::vector<std::string> rest;
  for (const std::string& word : words) {
    if (word.find("atime") != std::string::npos || word == "sync" || word == "async" ||
        word == "dirsync" || word == "silent" || word == "loud" || word == "tmpcopyup" ||
        word == "mand" || word == "nomand" || word == "iversion" || word == "noiversion" ||
        word == "lazytime" || word == "nolazytime")
      rest.push_back(word);
  }
  if (!rest.empty()) {
    Fact fact = MakeFact(FactKind::kNeutral, where, fmt::format("{}", fmt::join(rest, " ")));
    facts.Put(key + " times and syncing", std::move(fact));
  }
  for (const char* maps : {"uidMappings", "gidMappings"})
    facts.Unknown(fmt::format("{} {}", key, maps), mount[maps]);
  facts.Under("");
}

}  // namespace vortex::review
