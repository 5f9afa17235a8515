// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <sstream>
#include <utility>

#include "cli/exit_codes.h"

namespace vortex::cli {
namespace {

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
  app.add_option("--cgroup-parent", options.cgroup_parent, "parent of every run's cgroup")
      ->envname("VORTEX_CGROUP_PARENT")
      ->capture_default_str();
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
  spec->callback([&] { args.command = Command::kSpec; });

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
