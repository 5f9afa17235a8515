// SPDX-License-Identifier: Apache-2.0
#include "shim/stats.h"

#include "containerd/cgroups/v1/metrics.pb.h"
#include "containerd/cgroups/v2/metrics.pb.h"
#include "google/protobuf/any.pb.h"
#include "shim/files.h"

namespace vortex::shim {
namespace {

namespace v1 = io::containerd::cgroups::v1;
namespace v2 = io::containerd::cgroups::v2;

// "key value" lines, each offered to `take`.
template <typename Take>
void EachKey(const std::optional<std::string>& text, Take take) {
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::string_view line = NextLine(&rest);
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) continue;
    if (const auto value = ParseNumber(line.substr(space + 1))) take(line.substr(0, space), *value);
  }
}

template <typename Message>
struct Field {
  std::string_view key;
  void (Message::*set)(std::uint64_t);
};

template <typename Message, std::size_t kCount>
void Fill(const std::optional<std::string>& text, const Field<Message> (&fields)[kCount],
          Message* out) {
  EachKey(text, [&](std::string_view key, std::uint64_t value) {
    for (const auto& field : fields) {
      if (field.key == key) (out->*field.set)(value);
    }
  });
}

using M1 = v1::MemoryStat;
constexpr Field<M1> kMemoryV1[] = {
    {"cache", &M1::set_cache},
    {"rss", &M1::set_rss},
    {"rss_huge", &M1::set_rss_huge},
    {"mapped_file", &M1::set_mapped_file},
    {"dirty", &M1::set_dirty},
    {"writeback", &M1::set_writeback},
    {"pgpgin", &M1::set_pg_pg_in},
    {"pgpgout", &M1::set_pg_pg_out},
    {"pgfault", &M1::set_pg_fault},
    {"pgmajfault", &M1::set_pg_maj_fault},
    {"inactive_anon", &M1::set_inactive_anon},
    {"active_anon", &M1::set_active_anon},
    {"inactive_file", &M1::set_inactive_file},
    {"active_file", &M1::set_active_file},
    {"unevictable", &M1::set_unevictable},
    {"hierarchical_memory_limit", &M1::set_hierarchical_memory_limit},
    {"hierarchical_memsw_limit", &M1::set_hierarchical_swap_limit},
    {"total_cache", &M1::set_total_cache},
    {"total_rss", &M1::set_total_rss},
    {"total_rss_huge", &M1::set_total_rss_huge},
    {"total_mapped_file", &M1::set_total_mapped_file},
    {"total_dirty", &M1::set_total_dirty},
    {"total_writeback", &M1::set_total_writeback},
    {"total_pgpgin", &M1::set_total_pg_pg_in},
    {"total_pgpgout", &M1::set_total_pg_pg_out},
    {"total_pgfault", &M1::set_total_pg_fault},
    {"total_pgmajfault", &M1::set_total_pg_maj_fault},
    {"total_inactive_anon", &M1::set_total_inactive_anon},
    {"total_active_anon", &M1::set_total_active_anon},
    {"total_inactive_file", &M1::set_total_inactive_file},
    {"total_active_file", &M1::set_total_active_file},
    {"total_unevictable", &M1::set_total_unevictable}};

using M2 = v2::MemoryStat;
constexpr Field<M2> kMemoryV2[] = {{"anon", &M2::set_anon},
                                   {"file", &M2::set_file},
                                   {"kernel_stack", &M2::set_kernel_stack},
                                   {"slab", &M2::set_slab},
                                   {"sock", &M2::set_sock},
                                   {"shmem", &M2::set_shmem},
                                   {"file_mapped", &M2::set_file_mapped},
                                   {"file_dirty", &M2::set_file_dirty},
                                   {"file_writeback", &M2::set_file_writeback},
                                   {"anon_thp", &M2::set_anon_thp},
                                   {"inactive_anon", &M2::set_inactive_anon},
                                   {"active_anon", &M2::set_active_anon},
                                   {"inactive_file", &M2::set_inactive_file},
                                   {"active_file", &M2::set_active_file},
                                   {"unevictable", &M2::set_unevictable},
                                   {"slab_reclaimable", &M2::set_slab_reclaimable},
                                   {"slab_unreclaimable", &M2::set_slab_unreclaimable},
                                   {"pgfault", &M2::set_pgfault},
                                   {"pgmajfault", &M2::set_pgmajfault},
                                   {"pgrefill", &M2::set_pgrefill},
                                   {"pgscan", &M2::set_pgscan},
                                   {"pgsteal", &M2::set_pgsteal},
                                   {"pgactivate", &M2::set_pgactivate},
                                   {"pgdeactivate", &M2::set_pgdeactivate},
                                   {"pglazyfree", &M2::set_pglazyfree},
                                   {"pglazyfreed", &M2::set_pglazyfreed},
                                   {"thp_fault_alloc", &M2::set_thp_fault_alloc},
                                   {"thp_collapse_alloc", &M2::set_thp_collapse_alloc}};

using C2 = v2::CPUStat;
constexpr Field<C2> kCpuV2[] = {
    {"usage_usec", &C2::set_usage_usec},     {"user_usec", &C2::set_user_usec},
    {"system_usec", &C2::set_system_usec},   {"nr_periods", &C2::set_nr_periods},
    {"nr_throttled", &C2::set_nr_throttled}, {"throttled_usec", &C2::set_throttled_usec}};

using E2 = v2::MemoryEvents;
constexpr Field<E2> kEventsV2[] = {{"low", &E2::set_low},
                                   {"high", &E2::set_high},
                                   {"max", &E2::set_max},
                                   {"oom", &E2::set_oom},
                                   {"oom_kill", &E2::set_oom_kill}};

using O1 = v1::MemoryOomControl;
constexpr Field<O1> kOomV1[] = {{"oom_kill_disable", &O1::set_oom_kill_disable},
                                {"under_oom", &O1::set_under_oom},
                                {"oom_kill", &O1::set_oom_kill}};

using T1 = v1::Throttle;
constexpr Field<T1> kThrottleV1[] = {{"nr_periods", &T1::set_periods},
                                     {"nr_throttled", &T1::set_throttled_periods},
                                     {"throttled_time", &T1::set_throttled_time}};

void ReadEntry(const Cgroup& cgroup, const std::string& prefix,
               v1::MemoryEntry* (v1::MemoryStat::*entry)(), v1::MemoryStat* out) {
  const auto usage = cgroup.ReadNumber("memory", prefix + ".usage_in_bytes");
  if (!usage) return;
  v1::MemoryEntry* fields = (out->*entry)();
  fields->set_usage(*usage);
  fields->set_limit(cgroup.ReadNumber("memory", prefix + ".limit_in_bytes").value_or(0));
  fields->set_max(cgroup.ReadNumber("memory", prefix + ".max_usage_in_bytes").value_or(0));
  fields->set_failcnt(cgroup.ReadNumber("memory", prefix + ".failcnt").value_or(0));
}

// "8:0 Read 4096" lines; "Total 4096" without a device is a sum that readers make themselves.
void ReadBlkio(const Cgroup& cgroup, const char* file, v1::BlkIOStat* out,
               v1::BlkIOEntry* (v1::BlkIOStat::*add)()) {
  const auto text = cgroup.Read("blkio", file);
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto words = Split(NextLine(&rest), ' ');
    if (words.size() < 3) continue;
    const auto device = Split(words[0], ':');
    if (device.size() != 2) continue;
    v1::BlkIOEntry* entry = (out->*add)();
    entry->set_major(ParseNumber(device[0]).value_or(0));
    entry->set_minor(ParseNumber(device[1]).value_or(0));
    entry->set_op(std::string(words[1]));
    entry->set_value(ParseNumber(words[2]).value_or(0));
  }
}

v1::Metrics ReadV1(const Cgroup& cgroup) {
  v1::Metrics metrics;
  if (const auto current = cgroup.ReadNumber("pids", "pids.current")) {
    metrics.mutable_pids()->set_current(*current);
    // "max" is 0 here, as Go's reader writes it.
    const auto limit = cgroup.Read("pids", "pids.max");
    if (limit && !limit->starts_with("max"))
      metrics.mutable_pids()->set_limit(ParseNumber(*limit).value_or(0));
  }
  if (const auto total = cgroup.ReadNumber("cpuacct", "cpuacct.usage")) {
    v1::CPUUsage* usage = metrics.mutable_cpu()->mutable_usage();
    usage->set_total(*total);
    usage->set_user(cgroup.ReadNumber("cpuacct", "cpuacct.usage_user").value_or(0));
    usage->set_kernel(cgroup.ReadNumber("cpuacct", "cpuacct.usage_sys").value_or(0));
    if (const auto text = cgroup.Read("cpuacct", "cpuacct.usage_percpu")) {
      for (const std::string_view word : Split(Trim(*text), ' ')) {
        if (const auto value = ParseNumber(word)) usage->add_per_cpu(*value);
      }
    }
  }
  Fill(cgroup.Read("cpu", "cpu.stat"), kThrottleV1, metrics.mutable_cpu()->mutable_throttling());
  if (const auto text = cgroup.Read("memory", "memory.stat")) {
    v1::MemoryStat* memory = metrics.mutable_memory();
    Fill(text, kMemoryV1, memory);
    ReadEntry(cgroup, "memory", &v1::MemoryStat::mutable_usage, memory);
    ReadEntry(cgroup, "memory.memsw", &v1::MemoryStat::mutable_swap, memory);
    ReadEntry(cgroup, "memory.kmem", &v1::MemoryStat::mutable_kernel, memory);
    ReadEntry(cgroup, "memory.kmem.tcp", &v1::MemoryStat::mutable_kernel_tcp, memory);
    Fill(cgroup.Read("memory", "memory.oom_control"), kOomV1, metrics.mutable_memory_oom_control());
  }
  v1::BlkIOStat* blkio = metrics.mutable_blkio();
  ReadBlkio(cgroup, "blkio.throttle.io_service_bytes_recursive", blkio,
            &v1::BlkIOStat::add_io_service_bytes_recursive);
  ReadBlkio(cgroup, "blkio.throttle.io_serviced_recursive", blkio,
            &v1::BlkIOStat::add_io_serviced_recursive);
  return metrics;
}

void ReadIoV2(const Cgroup& cgroup, v2::IOStat* out) {
  const auto text = cgroup.Read("io", "io.stat");
  if (!text) return;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto words = Split(NextLine(&rest), ' ');
    const auto device = Split(words[0], ':');
    if (device.size() != 2) continue;
    v2::IOEntry* entry = out->add_usage();
    entry->set_major(ParseNumber(device[0]).value_or(0));
    entry->set_minor(ParseNumber(device[1]).value_or(0));
    for (const std::string_view word : words) {
      const std::size_t equals = word.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string_view key = word.substr(0, equals);
      const std::uint64_t value = ParseNumber(word.substr(equals + 1)).value_or(0);
      if (key == "rbytes") entry->set_rbytes(value);
      if (key == "wbytes") entry->set_wbytes(value);
      if (key == "rios") entry->set_rios(value);
      if (key == "wios") entry->set_wios(value);
    }
  }
}

v2::Metrics ReadV2(const Cgroup& cgroup) {
  v2::Metrics metrics;
  if (const auto current = cgroup.ReadNumber("", "pids.current")) {
    metrics.mutable_pids()->set_current(*current);
    metrics.mutable_pids()->set_limit(cgroup.ReadNumber("", "pids.max").value_or(0));
  }
  Fill(cgroup.Read("", "cpu.stat"), kCpuV2, metrics.mutable_cpu());
  if (const auto text = cgroup.Read("", "memory.stat")) {
    v2::MemoryStat* memory = metrics.mutable_memory();
    Fill(text, kMemoryV2, memory);
    memory->set_usage(cgroup.ReadNumber("", "memory.current").value_or(0));
    memory->set_usage_limit(cgroup.ReadNumber("", "memory.max").value_or(0));
    memory->set_swap_usage(cgroup.ReadNumber("", "memory.swap.current").value_or(0));
    memory->set_swap_limit(cgroup.ReadNumber("", "memory.swap.max").value_or(0));
    Fill(cgroup.Read("", "memory.events"), kEventsV2, metrics.mutable_memory_events());
  }
  ReadIoV2(cgroup, metrics.mutable_io());
  return metrics;
}

}  // namespace

bool ReadStats(const Cgroup& cgroup, google::protobuf::Any* out) {
  if (!cgroup.Exists()) return false;
  if (cgroup.v2()) {
    out->set_type_url("io.containerd.cgroups.v2.Metrics");
    out->set_value(ReadV2(cgroup).SerializeAsString());
  } else {
    out->set_type_url("io.containerd.cgroups.v1.Metrics");
    out->set_value(ReadV1(cgroup).SerializeAsString());
  }
  return true;
}

void WriteMemberStats(bool of_v2, const MemberStats& stats, google::protobuf::Any* out) {
  if (of_v2) {
    v2::Metrics metrics;
    metrics.mutable_pids()->set_current(stats.pids);
    metrics.mutable_cpu()->set_usage_usec(stats.cpu_ns / 1000);
    metrics.mutable_memory()->set_usage(stats.memory_bytes);
    out->set_type_url("io.containerd.cgroups.v2.Metrics");
    out->set_value(metrics.SerializeAsString());
    return;
  }
  v1::Metrics metrics;
  metrics.mutable_pids()->set_current(stats.pids);
  metrics.mutable_cpu()->mutable_usage()->set_total(stats.cpu_ns);
  metrics.mutable_memory()->mutable_usage()->set_usage(stats.memory_bytes);
  out->set_type_url("io.containerd.cgroups.v1.Metrics");
  out->set_value(metrics.SerializeAsString());
}

}  // namespace vortex::shim
