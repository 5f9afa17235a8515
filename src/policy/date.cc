// SPDX-License-Identifier: Apache-2.0
#include "policy/date.h"

#include "base/status.h"
#include "policy/text.h"

namespace vortex::policy {

absl::StatusOr<std::chrono::sys_days> ParseDate(std::string_view text) {
  const auto number = [&](std::size_t at, std::size_t size) {
    int value = 0;
    for (const char c : text.substr(at, size)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
    if (year >= 2000 && month >= 0 && day >= 0) {
      const std::chrono::year_month_day date{std::chrono::year(year),
                                             std::chrono::month(static_cast<unsigned>(month)),
                                             std::chrono::day(static_cast<unsigned>(day))};
      if (date.ok()) return std::chrono::sys_days(date);
    }
  }
  return InvalidArgument("{} is not a date; write year, month and day, for example 2027-01-31",
                         Quoted(text));
}

std::string FormatDate(std::chrono::sys_days date) {
  const std::chrono::year_month_day day(date);
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()),
                     static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
}

}  // namespace vortex::policy
