// SPDX-License-Identifier: Apache-2.0
#include "review/facts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <set>

#include "review/audit_context.h"
#include "review/schema.h"

namespace vortex::review {
namespace {

constexpr double kNone = std::numeric_limits<double>::infinity();

Fact Make(FactKind kind, const Node& where, const std::string& value) {
  Fact fact;
  fact.kind = kind;
  fact.value = Printable(value);
  fact.path = Printable(where.path());
  fact.at = where.at();
  return fact;
}

}  // namespace

void FactWriter::Under(std::string parent) { parent_ = Printable(parent); }

void FactWriter::Put(const std::string& key, Fact fact) {
  if (fact.parent.empty()) fact.parent = parent_;
  out_[Printable(key)] = std::move(fact);
}

void FactWriter::Grant(const std::string& key, const Node& where, const std::string& value) {
  Put(key, Make(FactKind::kGrant, where, value));
}

void FactWriter::Guard(const std::string& key, const Node& where, const std::string& value) {
  Put(key, Make(FactKind::kGuard, where, value));
}

void FactWriter::Ceiling(const std::string& key, const Node& where, double number,
                         const std::string& value) {
  Fact fact = Make(FactKind::kCeiling, where, value);
  fact.number = number;
  Put(key, std::move(fact));
}

void FactWriter::Floor(const std::string& key, const Node& where, double number,
                       const std::string& value) {
  Fact fact = Make(FactKind::kFloor, where, value);
  fact.number = number;
  Put(key, std::move(fact));
}

void FactWriter::Neutral(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = Make(FactKind::kNeutral, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  Put(key, std::move(fact));
}

void FactWriter::Unknown(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = Make(FactKind::kUnknown, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  Put(key, std::move(fact));
}

void FactWriter::Detail(const std::string& key, const Node& where, bool run_field) {
  if (!where) return;
  Fact fact = Make(FactKind::kUnknown, where, "");
  fact.value = Compact(*where.value());
  fact.run_field = run_field;
  if (parent_.empty()) fact.parent = Printable(key);
  Put(key, std::move(fact));
}

void FactWriter::Limit(const std::string& key, const Node& where, bool zero_is_none) {
  if (!where) return;
  const auto limit = review::Limit(where);
  const bool none = !limit || (zero_is_none && *limit == 0);
  Ceiling(key, where, none ? kNone : static_cast<double>(*limit),
          none ? "unlimited" : std::to_string(*limit));
}

void FactWriter::Mode(const std::string& key, const Node& where, std::int64_t mode,
                      std::int64_t bits) {
  for (std::int64_t bit = 1; bit <= bits; bit <<= 1) {
    if ((bits & bit) != 0 && (mode & bit) != 0)
      Grant(fmt::format("{} mode {:04o}", key, bit), where);
  }
}

namespace {

void UserFacts(const Node& user, FactWriter& facts) {
  const std::string key = "process.user";
  for (const char* id : {"uid", "gid"}) {
    const auto value = user[id].Int().value_or(0);
    const std::string name = fmt::format("{}.{}", key, id);
    if (value == 0) facts.Grant(name + " 0 (root)", user[id]);
    // Which of the others it is: only a change between two of them.
    if (value != 0) facts.Detail(name, user[id]);
  }
  for (const Node& group : user["additionalGids"].Items())
    facts.Grant(fmt::format("{}.additionalGids: {}", key, Compact(*group.value())), group);
  facts.Neutral(key + ".username", user["username"]);
  const std::int64_t umask = user["umask"].Int().value_or(0);
  for (std::int64_t bit = 0400; bit > 0; bit >>= 1) {
    if ((umask & bit) != 0) facts.Guard(fmt::format("{}.umask {:03o}", key, bit), user["umask"]);
  }
}

void EnvFacts(const Node& process, FactWriter& facts) {
  static const std::set<std::string_view> kRun = {"VORTEX_INIT_TOKEN", "VORTEX_RESULT_TOKEN",
                                                  "VORTEX_RUN_ID"};
  for (const Node& item : process["env"].Items()) {
    const std::string name = item.Text().substr(0, item.Text().find('='));
    facts.Neutral("process.env: " + name, item, kRun.contains(name));
  }
}

void ProcessFacts(const Node& process, FactWriter& facts) {
  UserFacts(process["user"], facts);
  facts.Neutral("process.args", process["args"]);
  facts.Neutral("process.commandLine", process["commandLine"]);
  facts.Neutral("process.cwd", process["cwd"]);
  facts.Neutral("process.consoleSize", process["consoleSize"]);
  EnvFacts(process, facts);
  if (process["terminal"].IsTrue()) facts.Grant("process.terminal", process["terminal"]);
  const Node capabilities = process["capabilities"];
  if (process && !capabilities)
    facts.Grant("process.capabilities: the runtime's choice", capabilities);
  // Where one of the specs leaves it to the runtime, single capabilities cannot be compared.
  if (capabilities) facts.Guard("process.capabilities", capabilities);
  facts.Under("process.capabilities");
  for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"}) {
    for (const std::string& name : capabilities[set].Texts())
      facts.Grant(fmt::format("process.capabilities.{}: {}", set, name), capabilities[set]);
  }
  facts.Under("");
  for (const Node& limit : process["rlimits"].Items()) {
    for (const char* part : {"soft", "hard"})
      facts.Limit(fmt::format("process.rlimits {} {}", limit["type"].Text(), part), limit[part],
                  false);
  }
  if (process["noNewPrivileges"].IsTrue())
    facts.Guard("process.noNewPrivileges", process["noNewPrivileges"]);
  if (const auto score = process["oomScoreAdj"].Int())
    facts.Floor("process.oomScoreAdj", process["oomScoreAdj"], static_cast<double>(*score),
                std::to_string(*score));
  for (const char* label : {"apparmorProfile", "selinuxLabel"}) {
    const std::string& text = process[label].Text();
    if (text.empty()) continue;
    if (text == "unconfined") {
      facts.Grant(fmt::format("process.{}: unconfined", label), process[label]);
    } else {
      facts.Unknown(fmt::format("process.{}", label), process[label]);
    }
  }
  for (const char* other : {"ioPriority", "scheduler", "execCPUAffinity"})
    facts.Unknown(fmt::format("process.{}", other), process[other]);
}

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
    Fact fact = Make(FactKind::kNeutral, where, fmt::format("{}", fmt::join(rest, " ")));
    facts.Put(key + " times and syncing", std::move(fact));
  }
  for (const char* maps : {"uidMappings", "gidMappings"})
    facts.Unknown(fmt::format("{} {}", key, maps), mount[maps]);
  facts.Under("");
}

void AnnotationFacts(const Node& annotations, FactWriter& facts) {
  for (const auto& [key, node] : annotations.Members()) {
    const std::string name = "annotations: " + key;
    if (key == "io.vortex.runtime-class") {
      facts.Unknown(name, node);  // what all other fields mean
    } else if (key.starts_with("io.vortex.")) {
      facts.Neutral(name, node, key != "io.vortex.plugin-id");
    } else if (key.starts_with("org.opencontainers.") ||
               key == "io.kubernetes.cri.container-type") {
      facts.Neutral(name, node);
    } else if (key.starts_with("dev.gvisor.") || key.starts_with("io.katacontainers.") ||
               key.starts_with("run.oci.") || key.starts_with("org.systemd.property.") ||
               key.starts_with("cdi.k8s.io/") || key.starts_with("module.wasm.image/")) {
      facts.Grant(name, node);
      facts.Detail(name + " value", node);
    } else {
      facts.Unknown(name, node);
    }
  }
}

}  // namespace

Facts::Facts(const Value& root) : root_(root) {
  FactWriter facts(all_);
  facts.Neutral("ociVersion", root_["ociVersion"]);
  facts.Neutral("hostname", root_["hostname"]);
  facts.Neutral("domainname", root_["domainname"]);
  facts.Neutral("root.path", root_["root"]["path"], true);
  if (const std::string path = NormalPath(root_["root"]["path"].Text()); path == "/")
    facts.Grant("root.path is the host's root", root_["root"]["path"]);
  if (root_["root"]["readonly"].IsTrue()) facts.Guard("root.readonly", root_["root"]["readonly"]);
  ProcessFacts(root_["process"], facts);
  std::map<std::string, int> seen;
  std::vector<std::string> order;
  for (const Node& mount : root_["mounts"].Items()) {
    const std::string destination = NormalPath(mount["destination"].Text());
    const int nth = ++seen[destination];
    MountFacts(mount,
               fmt::format("mounts {}{}", destination, nth > 1 ? fmt::format(" #{}", nth) : ""),
               facts);
    order.push_back(destination);
  }
  // The order counts where one destination lies inside of another.
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      if (order[j] != order[i] && Within(order[i], order[j])) {
        Fact fact = Make(FactKind::kUnknown, root_["mounts"].Items()[j]["destination"], "later");
        facts.Put(fmt::format("mounts {} covers {}", order[j], order[i]), std::move(fact));
      }
    }
  }
  for (const auto& [when, list] : root_["hooks"].Members()) {
    for (const Node& hook : list.Items())
      facts.Grant(fmt::format("hooks.{}: {}", when, Compact(*hook.value())), hook);
  }
  AnnotationFacts(root_["annotations"], facts);
  LinuxFacts(root_, facts);
  // What the schema does not know has no other fact.
  CheckShape(root, [&](Oddity, const Node& node, const std::string&) {
    facts.Unknown(node.path() + " (not understood)", node);
  });
}

}  // namespace vortex::review
