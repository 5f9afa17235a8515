// SPDX-License-Identifier: Apache-2.0
// vortexctl audit verify and export.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "audit/ocsf.h"
#include "audit/verify.h"
#include "base/status.h"
#include "cli/commands.h"

namespace vortex::cli {
namespace {

// Of verify. 125, as everywhere: it could not be done.
constexpr int kIntact = 0, kTampered = 1, kTorn = 2;

std::string Place(const audit::Finding& finding) {
  if (finding.file.empty()) return "log";
  return finding.line == 0 ? finding.file : fmt::format("{}:{}", finding.file, finding.line);
}

nlohmann::ordered_json ToJson(const audit::Verified& verified) {
  auto findings = nlohmann::ordered_json::array();
  for (const audit::Finding& finding : verified.findings) {
    findings.push_back({{"problem", finding.problem},
                        {"kind", finding.kind},
                        {"file", finding.file},
                        {"line", finding.line},
                        {"detail", finding.detail}});
  }
  return {{"intact", verified.intact()},    {"segments", verified.segments},
          {"lines", verified.lines},        {"first_seq", verified.first_seq},
          {"last_seq", verified.last_seq},  {"head", verified.head},
          {"findings", std::move(findings)}};
}

}  // namespace

int VerifyAudit(const Args& args) {
  const auto verified =
      audit::Verify(args.audit_path, {args.audit_expect_head, args.audit_from_start});
  if (!verified.ok()) return Fail(verified.status());
  bool torn = false;
  for (const audit::Finding& finding : verified->findings) {
    torn = torn || finding.kind.starts_with("torn");
    if (args.json) continue;
    fmt::print("{}: {}: {}: {}\n", Place(finding), finding.problem ? "problem" : "notice",
               finding.kind, finding.detail);
  }
  if (args.json) {
    fmt::print("{}\n", ToJson(*verified).dump(-1, ' ', true,
                                              nlohmann::ordered_json::error_handler_t::replace));
  } else {
    fmt::print("{}: {} lines in {} segments, sequence {} to {}, head {}\n",
               verified->intact() ? "intact" : "NOT INTACT", verified->lines, verified->segments,
               verified->first_seq, verified->last_seq, verified->head);
  }
  if (!verified->intact()) return kTampered;
  return torn ? kTorn : kIntact;
}

int ExportAudit(const Args& args) {
  std::uint64_t skipped = 0;
  const absl::Status read = audit::ReadLines(
      args.audit_path,
      [&](const std::string& name, std::uint64_t number, std::string_view line, bool) {
        const auto event = audit::ToOcsf(line, VORTEX_VERSION);
        if (event.ok()) {
          fmt::print("{}\n", *event);
        } else {
          ++skipped;
          fmt::print(stderr, "vortexctl: {}:{}: {}\n", name, number, Message(event.status()));
        }
        return std::ferror(stdout) == 0;
      });
  if (!read.ok()) return Fail(read);
  if (std::fflush(stdout) != 0) return Fail(ErrnoStatus(errno, "write to stdout"));
  return skipped == 0 ? 0 : 1;
}

}  // namespace vortex::cli
