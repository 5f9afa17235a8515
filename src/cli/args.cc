// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <sstream>
#include <utility>

#include "base/status.h"
#include "cli/exit_codes.h"

namespace vortex::cli {
namespace {

// The option's value goes through `parse`, whose error names what there is.
template <typename T, typename Parse>
CLI::Option* AddParsed(CLI::App& app, const std::string& flag, T& into, Parse parse,
                       const std::string& help) {
  return app.add_option_function<std::string>(
      flag,
      [flag, &into, parse](const std::string& text) {
        const auto value = parse(text);
        if (!value.ok()) throw CLI::ValidationError(flag, std::string(Message(value.status())));
        into = *value;
      },
      help);
}

void AddAuditOptions(CLI::App& app, audit::AuditOptions& options) {
  app.add_option("--audit-dir", options.directory,
                 "directory of the audit log; without one there is no audit log")
      ->envname("VORTEX_AUDIT_DIR");
  AddParsed(app, "--audit-fsync", options.fsync, audit::ParseFsync, "always, interval or never")
      ->envname("VORTEX_AUDIT_FSYNC");
  AddParsed(app, "--audit-on-full", options.on_full, audit::ParseOnFull,
            "fail_closed: no run without its records; fail_open: runs go on, lost ones are counted")
      ->envname("VORTEX_AUDIT_ON_FULL");
}

void AddNodeOptions(CLI::App& app, Args& args) {
  sandbox::EmbeddedOptions& options = args.options;
  app.add_option("--address", options.address, "containerd's gRPC socket")
      ->envname("VORTEX_CONTAINERD_ADDRESS")
      ->capture_default_str();
  app.add_option("--namespace", options.containerd_namespace, "containerd namespace of our own")
      ->envname("VORTEX_CONTAINERD_NAMESPACE")
      ->capture_default_str();
  app.add_option("--state-dir", options.state_dir, "run directories and locks")
      ->envname("VORTEX_STATE_DIR")
      ->capture_default_str();
  app.add_option("--data-dir", options.data_dir, "bundle copies")
      ->envname("VORTEX_DATA_DIR")
      ->capture_default_str();
  app.add_option("--image", options.image, "name of the plugin runtime image")
      ->envname("VORTEX_IMAGE")
      ->capture_default_str();
  app.add_option("--snapshotter", options.snapshotter, "containerd snapshotter")
      ->envname("VORTEX_SNAPSHOTTER")
      ->capture_default_str();
  app.add_option("--runtime-classes", args.classes_file,
                 "class table [/etc/vortex/runtime-classes.yaml, if there is one]")
      ->envname("VORTEX_RUNTIME_CLASSES");
  app.add_option("--egress-proxy", options.egress.proxy_program,
                 "vortex-egress-proxy [beside vortexctl or in /usr/libexec/vortex]")
      ->envname("VORTEX_EGRESS_PROXY");
  app.add_option(
         "--policy", args.policy_file,
         "policy file [/etc/vortex/policy.yaml; without one, untrusted plugins are refused]")
      ->envname("VORTEX_POLICY");
  app.add_option("--cdi-dir", options.cdi_dirs,
                 "directory of CDI files; may be given more than once, later ones override")
      ->envname("VORTEX_CDI_DIRS")
      ->delimiter(':')
      ->capture_default_str();
  app.add_option("--cgroup-parent", options.cgroup_parent, "parent of every run's cgroup")
      ->envname("VORTEX_CGROUP_PARENT")
      ->capture_default_str();
  const auto watch = [&options](const std::string& kinds) {
    options.watch = {kinds == "network" || kinds == "all", kinds == "filesystem" || kinds == "all"};
  };
  app.add_option_function<std::string>("--watch", watch,
                                       "denials to watch for at most, within the policy [all]")
      ->envname("VORTEX_WATCH")
      ->check(CLI::IsMember({"all", "network", "filesystem", "none"}));
  AddAuditOptions(app, options.audit);
}

void AddRunOptions(CLI::App& command, Args& args) {
  command
      .add_option("--plugin", args.plugin,
                  "bundle directory, or digest of a bundle that was run before")
      ->required();
  command.add_option("--payload", args.payload, "JSON text; - reads stdin, @FILE reads a file")
      ->capture_default_str();
  command.add_option("--runtime-class", args.runtime_class, "runc, crun, gvisor or kata");
  command.add_option("--memory", args.memory, "memory limit, for example 64m; may only narrow");
  command.add_option("--cpus", args.cpus, "cpu limit in cpus, for example 0.5; may only narrow");
  command.add_option("--pids-limit", args.pids, "most processes and threads; may only narrow");
  command.add_option("--budget", args.budget,
                     "wall time from the call to the end, for example 2s; may only narrow");
  command.add_option("--tmp", args.tmp, "size of /tmp, for example 16m; may only narrow");
  command.add_option("--output-limit", args.output,
                     "bytes kept of stdout and of stderr; may only narrow");
  command.add_option("--spec-out", args.spec_out, "write the generated OCI spec to this file");
  command.add_option("--metrics-out", args.metrics_out,
                     "add the run's numbers to this file, for node_exporter");
  command.add_option("--traceparent", args.traceparent, "W3C trace context, for the audit log");
}

void AddAuditCommands(CLI::App& app, Args& args) {
  CLI::App* audit = app.add_subcommand("audit", "the audit log");
  audit->require_subcommand(1);
  CLI::App* verify =
      audit->add_subcommand("verify", "whether a log is whole; 0 intact, 1 not, 2 a torn write");
  verify->add_option("directory", args.audit_path, "directory of the log")->required();
  verify->add_option("--expect-head", args.audit_expect_head,
                     "a hash that was kept elsewhere: it must be in the chain");
  verify->add_flag("--from-start", args.audit_from_start,
                   "the first segment must be there: none was shipped away");
  verify->add_flag("--json", args.json, "print JSON");
  verify->callback([&] { args.command = Command::kAuditVerify; });
  CLI::App* export_command = audit->add_subcommand("export", "print a log in another form");
  export_command->add_option("directory", args.audit_path, "directory of the log")->required();
  export_command->add_option("--format", args.audit_format, "ocsf")
      ->check(CLI::IsMember({"ocsf"}))
      ->capture_default_str();
  export_command->callback([&] { args.command = Command::kAuditExport; });
}

// Below `spec`, whose own options are then not asked for.
void AddSpecReview(CLI::App& spec, Args& args) {
  CLI::Option* plugin = spec.get_option("--plugin")->required(false);
  spec.callback([&spec, &args, plugin] {
    if (spec.get_subcommands().empty() && plugin->empty()) throw CLI::RequiredError("--plugin");
    if (spec.get_subcommands().empty()) args.command = Command::kSpec;
  });
  ReviewArgs& review = args.review;
  const auto add = [&](const char* name, const char* text, int files, Command command) {
    CLI::App* sub = spec.add_subcommand(name, text);
    sub->add_option("spec", review.files, "OCI config.json; - reads stdin")
        ->required()
        ->expected(files);
    sub->add_flag("--json", args.json, "print JSON");
    sub->add_flag("--sarif", review.sarif, "print SARIF 2.1.0");
    sub->callback([&args, command] { args.command = command; });
    return sub;
  };
  CLI::App* audit = add("audit", "judge an OCI spec of any origin", 1, Command::kSpecAudit);
  audit->add_option("--runtime-class", review.runtime_class,
                    "runc, crun, gvisor or kata [what the spec says, else runc]");
  audit->add_option("--fail-on", review.fail_on, "note, warning, high, critical or never")
      ->capture_default_str();
  audit->add_flag("--brief", review.brief, "one line for each finding");
  CLI::App* diff = add("diff", "what the second spec allows more or less", 2, Command::kSpecDiff);
  diff->add_flag("--ignore-run-fields", review.ignore_run_fields,
                 "leave out ids, tokens and paths that differ from run to run");
}

void AddImageCommands(CLI::App& app, Args& args) {
  CLI::App* image = app.add_subcommand("image", "the plugin runtime image");
  image->require_subcommand(1);
  CLI::App* list = image->add_subcommand("ls", "list images of our containerd namespace");
  list->add_flag("--json", args.json, "print JSON");
  list->callback([&] { args.command = Command::kImageList; });
  CLI::App* import_command =
      image->add_subcommand("import", "import an OCI image layout or a docker-save tar");
  import_command->add_option("archive", args.archive, "directory or tar file")->required();
  import_command->add_option("--name", args.image_name, "image name, when the archive has none");
  import_command->callback([&] { args.command = Command::kImageImport; });
  CLI::App* build_command =
      image->add_subcommand("build", "build the runtime image from Debian packages and import it");
  build_command->add_option("--output", args.layout_dir, "where the OCI image layout is written")
      ->envname("VORTEX_IMAGE_LAYOUT");
  build_command->callback([&] { args.command = Command::kImageBuild; });
}

void AddPolicyCommands(CLI::App& app, Args& args) {
  CLI::App* policy = app.add_subcommand("policy", "who may run, and with what");
  policy->require_subcommand(1);
  CLI::App* check = policy->add_subcommand(
      "check", "look through a policy file; exit code 1 when it is not valid");
  check->add_option("file", args.policy_a, "policy file")->required();
  check->callback([&] { args.command = Command::kPolicyCheck; });
  CLI::App* explain = policy->add_subcommand(
      "explain", "what a plugin would get and why, rule by rule; exit code 1 when it is refused");
  explain->add_option("plugin", args.plugin, "bundle directory, its digest, or a plugin's id")
      ->required();
  explain->add_option("--runtime-class", args.runtime_class, "runc, crun, gvisor or kata");
  explain->callback([&] { args.command = Command::kPolicyExplain; });
  CLI::App* diff = policy->add_subcommand(
      "diff", "what a change of policy tightens and loosens; exit code 1 when anything loosens");
  diff->add_option("before", args.policy_a, "policy file")->required();
  diff->add_option("after", args.policy_b, "policy file")->required();
  diff->callback([&] { args.command = Command::kPolicyDiff; });
  for (CLI::App* command : {check, explain, diff})
    command->add_flag("--json", args.json, "print JSON");
}

// They end up in OCI specs and in annotations, where nobody knows our working directory.
std::string RelativePathError(const Args& args) {
  for (const auto& [flag, path] : {std::pair{"--state-dir", args.options.state_dir},
                                   std::pair{"--data-dir", args.options.data_dir}}) {
    if (path.starts_with('/')) continue;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    return std::string(flag) + " \"" + path + "\" is not an absolute path" +
           (path.empty() || error ? "" : "; write " + absolute.lexically_normal().string()) + "\n";
  }
  return "";
}

}  // namespace

ParsedArgs ParseArgs(int argc, char** argv) {
  ParsedArgs out;
  Args& args = out.args;
  CLI::App app("Runs untrusted plugins in single-use containerd sandboxes.", "vortexctl");
  app.require_subcommand(1);
  app.fallthrough();
  AddNodeOptions(app, args);

  CLI::App* run = app.add_subcommand("run", "run a plugin; its return value goes to stdout");
  AddRunOptions(*run, args);
  run->add_flag("--json", args.json, "print the whole result as JSON on stdout");
  run->add_flag("--report", args.report,
                "tell on stderr what happened: cause, limits, denials, timings");
  run->add_flag("--dry-run", args.dry_run, "print the OCI spec that would be used; run nothing");
  run->callback([&] { args.command = Command::kRun; });

  CLI::App* spec = app.add_subcommand("spec", "print the OCI spec for a plugin; runs nothing");
  AddRunOptions(*spec, args);
  AddSpecReview(*spec, args);

  CLI::App* ps = app.add_subcommand("ps", "list runs");
  ps->add_flag("--json", args.json, "print JSON");
  ps->callback([&] { args.command = Command::kPs; });

  CLI::App* gc = app.add_subcommand("gc", "remove what killed clients left behind");
  gc->add_flag("--json", args.json, "print JSON");
  gc->callback([&] { args.command = Command::kGc; });

  CLI::App* doctor =
      app.add_subcommand("doctor", "check whether this node can run plugins, and what is missing");
  doctor->add_flag("--json", args.json, "print JSON");
  doctor->callback([&] { args.command = Command::kDoctor; });

  AddImageCommands(app, args);
  AddAuditCommands(app, args);
  AddPolicyCommands(app, args);

  CLI::App* version =
      app.add_subcommand("version", "versions of vortexctl, containerd and the runtimes");
  version->add_flag("--json", args.json, "print JSON");
  version->callback([&] { args.command = Command::kVersion; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    const int code = app.exit(error, text, text);
    out.early = EarlyExit{code == 0 ? 0 : kExitSandbox, text.str()};
    return out;
  }
  if (const std::string wrong = RelativePathError(args); !wrong.empty())
    out.early = EarlyExit{kExitSandbox, "vortexctl: " + wrong};
  return out;
}

}  // namespace vortex::cli
