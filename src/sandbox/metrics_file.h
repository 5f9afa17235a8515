// SPDX-License-Identifier: Apache-2.0
// Metrics of processes that live for one run: added up in a file for node_exporter's textfile
// collector.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vortex::sandbox {

// Adds `text` (Metrics::Text) to what `path` holds, and replaces it in one step. Any number of
// processes may do so at once: they take turns by a lock on `<path>.lock`.
//   InvalidArgument  the file is there and is not of ours; it is left as it is
absl::Status AddToMetricsFile(const std::string& path, std::string_view text);

// Counters and histograms are added up, sample by sample; gauges are taken from `fresh`. A
// histogram whose buckets have changed begins anew. Pure.
absl::StatusOr<std::string> MergeMetrics(std::string_view old, std::string_view fresh);

}  // namespace vortex::sandbox
