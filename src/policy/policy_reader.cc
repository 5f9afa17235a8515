// SPDX-License-Identifier: Apache-2.0
// The policy file, section by section; the values are policy_values.cc's.
#include <algorithm>

#include "policy/fields.h"
#include "policy/limit_fields.h"
#include "policy/policy_problems.h"
#include "policy/policy_values.h"

namespace vortex::policy {
namespace {

using Fields = std::vector<YamlField::Member>;

constexpr std::size_t kMaxEntries = 1024;
constexpr std::size_t kMaxPolicyBrackets = 16 * 1024;

class Reader {
 public:
  Reader(Problems& problems, Policy& policy) : problems_(problems), policy_(policy) {}

  void Read(const YamlField& root) {
    bool versioned = false;
    for (const auto& [key, value] :
         Members(root, {"version", "allow_untrusted", "trust", "untrusted", "trusted", "allow",
                        "deny", "audit", "metrics"})) {
      if (key == "version") versioned = ReadVersion(value);
      if (key == "allow_untrusted") {
        policy_.allow_untrusted_line = value.line();
        problems_.Take(ReadBool(value), policy_.allow_untrusted);
      }
      if (key == "trust") ReadTrust(value);
      if (key == "untrusted") ReadTier(value, policy_.untrusted);
      if (key == "trusted") ReadTier(value, policy_.trusted);
      if (key == "allow") ReadAllow(value);
      if (key == "deny") ReadDeny(value);
      if (key == "audit") ReadAudit(value);
      if (key == "metrics") ReadMetrics(value);
    }
    if (!versioned && problems_.empty())
      problems_.Add(root.Bad("version is missing; write version: 1"));
  }

 private:
  // The members, or none when they cannot be read.
  Fields Members(const YamlField& field, std::initializer_list<std::string_view> known) {
    Fields out;
    problems_.Take(field.Members(known), out);
    return out;
  }

  std::vector<YamlField> Items(const YamlField& field) {
    std::vector<YamlField> out;
    problems_.Take(field.List(kMaxEntries), out);
    return out;
  }

  bool ReadVersion(const YamlField& field) {
    std::string text;
    if (!problems_.Take(field.Number(), text)) return true;
    if (text != "1")
      problems_.Add(
          field.Bad("{} is not a version that this program knows; write 1", Quoted(text)));
    return true;
  }

  static bool Has(const Fields& members, std::string_view key) {
    return std::any_of(members.begin(), members.end(),
                       [&](const auto& member) { return member.key == key; });
  }

  void Require(const YamlField& field, const Fields& members,
               std::initializer_list<std::string_view> keys) {
    for (const std::string_view key : keys) {
      if (!members.empty() && !Has(members, key)) problems_.Add(field.Bad("{} is missing", key));
    }
  }

  // True when `key` was one of an entry's common fields.
  template <typename E>
  bool ReadCommon(const std::string& key, const YamlField& value, E& entry) {
    if (key == "plugin") return problems_.Take(ReadId(value), entry.plugin), true;
    if (key == "digest") return problems_.Take(ReadDigest(value), entry.digest), true;
    if (key == "reason") return problems_.Take(ReadReason(value), entry.reason), true;
    if constexpr (requires { entry.expires; }) {
      if (key == "expires") return problems_.Take(ReadExpiry(value), entry.expires), true;
    }
    return false;
  }

  void ReadTrust(const YamlField& field) {
    for (const YamlField& item : Items(field)) {
      const Fields members = Members(item, {"plugin", "digest", "level", "reason", "expires"});
      TrustEntry entry;
      entry.line = item.line();
      for (const auto& [key, value] : members) {
        if (ReadCommon(key, value, entry)) continue;
        bool trusted = false;
        problems_.Take(ReadWord<bool>(value, {{"trusted", true}}), trusted);
      }
      Require(item, members, {"plugin", "level", "reason", "expires"});
      policy_.trust.push_back(std::move(entry));
    }
  }

  void ReadAllow(const YamlField& field) {
    for (const YamlField& item : Items(field)) {
      const Fields members =
          Members(item, {"plugin", "digest", "reason", "expires", "capabilities", "gpus", "mounts",
                         "egress", "address_ranges", "limits"});
      AllowEntry entry;
      entry.line = item.line();
      std::vector<std::string> ranges;
      for (const auto& [key, value] : members) {
        if (ReadCommon(key, value, entry)) continue;
        if (key == "capabilities")
          problems_.Take(ReadList(value, kMaxList, ReadUsefulCapability), entry.capabilities);
        if (key == "gpus") problems_.Take(ReadList(value, kMaxList, ReadCdiName), entry.gpus);
        if (key == "mounts") problems_.Take(ReadList(value, kMaxList, ReadMount), entry.mounts);
        if (key == "egress")
          problems_.Take(ReadList(value, kMaxList, ReadNetworkRule), entry.egress);
        if (key == "address_ranges") problems_.Take(ReadList(value, kMaxList, ReadRange), ranges);
        if (key == "limits") problems_.Take(ReadBoundedLimits(value), entry.limits);
      }
      Require(item, members, {"plugin", "reason", "expires"});
      if (!ranges.empty() && entry.egress.empty())
        problems_.Add(item.Bad("address_ranges without egress; name the hosts that resolve there"));
      for (NetworkRule& rule : entry.egress) rule.address_ranges = ranges;
      policy_.allow.push_back(std::move(entry));
    }
  }

  void ReadDeny(const YamlField& field) {
    for (const YamlField& item : Items(field)) {
      const Fields members = Members(
          item, {"plugin", "digest", "reason", "capabilities", "gpus", "hosts", "runtime_classes"});
      DenyEntry entry;
      entry.line = item.line();
      for (const auto& [key, value] : members) {
        if (ReadCommon(key, value, entry)) continue;
        // Nothing denied is most probably not what was meant.
        const auto take = [this, &given = value](auto list, auto& out) {
          if (problems_.Take(std::move(list), out) && out.empty())
            problems_.Add(given.Bad("is empty; leave it out, or say what is denied"));
        };
        if (key == "capabilities")
          take(ReadList(value, kMaxList, ReadCapability), entry.capabilities);
        if (key == "gpus") take(ReadList(value, kMaxList, ReadCdiName), entry.gpus);
        if (key == "hosts") take(ReadList(value, kMaxEntries, ReadDeniedHost), entry.hosts);
        if (key == "runtime_classes") problems_.Take(ReadClasses(value), entry.runtime_classes);
      }
      Require(item, members, {"reason"});
      if (!members.empty() && entry.plugin.empty() && entry.digest.empty() && entry.Whole())
        problems_.Add(
            item.Bad("denies nothing; name a plugin, a digest, capabilities, gpus, hosts or "
                     "runtime_classes"));
      policy_.deny.push_back(std::move(entry));
    }
  }

  void ReadTier(const YamlField& field, Tier& tier) {
    for (const auto& [key, value] : Members(field, {"limits", "runtime_classes", "watch"})) {
      if (key == "limits") ReadTierLimits(value, tier);
      if (key == "runtime_classes") {
        tier.runtime_classes_line = value.line();
        problems_.Take(ReadClasses(value), tier.runtime_classes);
      }
      if (key == "watch") ReadWatch(value, tier);
    }
  }

  void ReadWatch(const YamlField& field, Tier& tier) {
    tier.watch_line = field.line();
    for (const auto& [key, value] : Members(field, {"network", "filesystem"})) {
      problems_.Take(ReadBool(value),
                     key == "network" ? tier.watch.network : tier.watch.filesystem);
    }
  }

  void ReadTierLimits(const YamlField& field, Tier& tier) {
    LimitRequest defaults, maxima;
    for (const auto& [key, value] : Members(field, {"default", "maximum"})) {
      const bool is_default = key == "default";
      if (!problems_.Take(ReadBoundedLimits(value), is_default ? defaults : maxima)) continue;
      auto& lines = is_default ? tier.default_lines : tier.maximum_lines;
      const auto written = value.Members({"memory", "cpus", "pids", "budget", "tmp", "output"});
      for (const auto& [name, limit] : *written) lines[name] = limit.line();
    }
    ForEachLimit([&](const auto& limit) {
      if (const auto& value = maxima.*limit.asked) tier.maximum_limits.*limit.given = *value;
      const auto most = tier.maximum_limits.*limit.given;
      auto& given = tier.default_limits.*limit.given;
      if (const auto& value = defaults.*limit.asked) {
        given = *value;
        if (given > most) {
          problems_.AddAt(tier.default_lines[limit.name],
                          "{}.default.{}: {} is above the maximum of {} ({}); lower it, or raise "
                          "the maximum",
                          field.path(), limit.name, limit.format(given), limit.format(most),
                          policy_.At(LineOf(tier.maximum_lines, limit.name)));
        }
      } else if (given > most) {
        // A default that nobody wrote follows the maximum that somebody did.
        given = most;
        tier.default_lines[limit.name] = tier.maximum_lines[limit.name];
      }
    });
  }

  static int LineOf(const std::map<std::string, int, std::less<>>& lines, const char* name) {
    const auto it = lines.find(name);
    return it == lines.end() ? 0 : it->second;
  }

  void ReadAudit(const YamlField& field) {
    using audit::Fsync;
    using audit::OnFull;
    audit::AuditOptions& log = policy_.audit;
    for (const auto& [key, value] :
         Members(field, {"directory", "fsync", "on_full", "segment_bytes", "segment_age"})) {
      if (key == "directory") problems_.Take(ReadAbsolutePath(value), log.directory);
      if (key == "fsync")
        problems_.Take(ReadWord<Fsync>(value, {{"always", Fsync::kAlways},
                                               {"interval", Fsync::kInterval},
                                               {"never", Fsync::kNever}}),
                       log.fsync);
      if (key == "on_full")
        problems_.Take(ReadWord<OnFull>(value, {{"fail_closed", OnFull::kFailClosed},
                                                {"fail_open", OnFull::kFailOpen}}),
                       log.on_full);
      if (key == "segment_bytes") problems_.Take(ReadSegmentBytes(value), log.segment_bytes);
      if (key == "segment_age") problems_.Take(ReadSegmentAge(value), log.segment_age);
    }
  }

  void ReadMetrics(const YamlField& field) {
    for (const auto& [key, value] : Members(field, {"textfile", "plugin_labels"})) {
      if (key == "textfile")
        problems_.Take(ReadAbsolutePath(value), policy_.metrics.textfile);
      else
        problems_.Take(ReadList(value, kMaxEntries, ReadId), policy_.metrics.plugin_labels);
    }
  }

  Problems& problems_;
  Policy& policy_;
};

}  // namespace

void ReadPolicy(std::string_view text, Problems& problems, Policy& out) {
  const auto document = LoadYaml(text, problems.file(), kMaxPolicyBytes, kMaxPolicyBrackets);
  if (!document.ok()) {
    problems.Add(document.status());
    return;
  }
  Reader(problems, out).Read(YamlField(*document, "", problems.file()));
}

}  // namespace vortex::policy
