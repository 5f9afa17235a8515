// SPDX-License-Identifier: Apache-2.0
// vortexctl spec audit and spec diff. Exit codes: 0 clean, 1 findings, 2 bad input.
#include <unistd.h>

#include <cstdio>

#include "base/files.h"
#include "base/status.h"
#include "cli/commands.h"
#include "review/output.h"

namespace vortex::cli {
namespace {

constexpr int kClean = 0, kFindings = 1, kBadInput = 2;

int BadInput(const absl::Status& status) {
  std::fprintf(stderr, "vortexctl: %s\n", review::Printable(Message(status)).c_str());
  return kBadInput;
}

absl::StatusOr<std::string> ReadSpec(const std::string& file) {
  if (file == "-") return base::ReadFd(STDIN_FILENO, review::kMaxSpecBytes, "spec from stdin");
  return base::ReadFile(file, review::kMaxSpecBytes);
}

absl::StatusOr<int> ParseSeverity(const std::string& text) {
  using review::Severity;
  for (const Severity severity :
       {Severity::kNote, Severity::kWarning, Severity::kHigh, Severity::kCritical}) {
    if (text == Name(severity)) return static_cast<int>(severity);
  }
  if (text == "never") return static_cast<int>(Severity::kCritical) + 1;
  return InvalidArgument("--fail-on \"{}\": use note, warning, high, critical or never", text);
}

void Print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

int AuditSpec(const Args& args) {
  const ReviewArgs& review_args = args.review;
  const auto fail_on = ParseSeverity(review_args.fail_on);
  if (!fail_on.ok()) return BadInput(fail_on.status());
  const std::string& file = review_args.files.front();
  const auto text = ReadSpec(file);
  if (!text.ok()) return BadInput(text.status());
  const auto report = review::AuditSpec(*text, {.runtime_class = review_args.runtime_class});
  if (!report.ok()) return BadInput(Annotate(report.status(), file));
  if (review_args.sarif) {
    Print(review::AuditSarif(*report, file, VORTEX_VERSION));
  } else if (args.json) {
    Print(review::AuditJson(*report, file));
  } else {
    Print(review::AuditText(*report, file, !review_args.brief));
  }
  return report->Worst() >= *fail_on ? kFindings : kClean;
}

int DiffSpecs(const Args& args) {
  const ReviewArgs& review_args = args.review;
  const std::string& a = review_args.files.at(0);
  const std::string& b = review_args.files.at(1);
  if (a == "-" && b == "-")
    return BadInput(InvalidArgument("only one of the specs can come from stdin"));
  const auto text_a = ReadSpec(a);
  if (!text_a.ok()) return BadInput(text_a.status());
  const auto text_b = ReadSpec(b);
  if (!text_b.ok()) return BadInput(text_b.status());
  const auto report =
      review::DiffSpecs(*text_a, *text_b, {.ignore_run_fields = review_args.ignore_run_fields});
  if (!report.ok()) return BadInput(report.status());
  if (review_args.sarif) {
    Print(review::DiffSarif(*report, a, b, VORTEX_VERSION));
  } else if (args.json) {
    Print(review::DiffJson(*report, a, b));
  } else {
    Print(review::DiffText(*report, a, b));
  }
  return report->Clean() ? kClean : kFindings;
}

}  // namespace vortex::cli
