// SPDX-License-Identifier: Apache-2.0
// vortex_sandbox._native: the C++ runner for the package around it, which is the public API.
// python/src/vortex_sandbox/_native.pyi says what is here.
#include <poll.h>
#include <pybind11/pybind11.h>

#include <algorithm>

#include "base/status.h"
#include "check.h"
#include "encode_json.h"
#include "options.h"
#include "policy/manifest.h"
#include "run_pool.h"
#include "sandbox/doctor.h"
#include "sandbox/embedded_runner.h"
#include "sandbox/metrics.h"
#include "sandbox/operator_options.h"

namespace vortex::python {
namespace {

namespace py = pybind11;

using std::chrono::milliseconds;

// A signal that another thread of the process took does not interrupt our poll(2).
constexpr int kSignalCheckMs = 200;

py::bytes Bytes(const std::string& bytes) { return {bytes.data(), bytes.size()}; }

// (call, "done", document, output, stdout, stderr, spec) | (call, "failed", code, message)
// | (call, "stdout" or "stderr", bytes, lost_bytes)
py::tuple LetterTuple(const Letter& letter) {
  if (letter.kind != Letter::Kind::kDone) {
    return py::make_tuple(letter.call, letter.kind == Letter::Kind::kStdout ? "stdout" : "stderr",
                          Bytes(letter.bytes), letter.lost_bytes);
  }
  const Outcome& outcome = *letter.outcome;
  if (!outcome.status.ok()) {
    return py::make_tuple(letter.call, "failed", CodeName(outcome.status.code()),
                          std::string(Message(outcome.status)));
  }
  return py::make_tuple(letter.call, "done", Bytes(outcome.document), Bytes(outcome.output),
                        Bytes(outcome.stdout_kept), Bytes(outcome.stderr_kept),
                        Bytes(outcome.spec_json));
}

py::list TakeLetters(Mailbox& mailbox) {
  std::vector<Letter> letters;
  {
    const py::gil_scoped_release release;
    letters = mailbox.TakeAll();
  }
  py::list out;
  for (const Letter& letter : letters) out.append(LetterTuple(letter));
  return out;
}

// True when there are letters; false after `timeout_ms` (negative: never). Python's signal handlers
// run meanwhile, and what they raise is raised.
bool WaitLetters(const Mailbox& mailbox, int timeout_ms) {
  int left = timeout_ms;
  for (;;) {
    const int slice = left < 0 ? kSignalCheckMs : std::min(left, kSignalCheckMs);
    pollfd fd{mailbox.fd(), POLLIN, 0};
    // An interpreter that ends unwinds its daemon threads from here, and gil_scoped_release would
    // do this in a destructor, through which nothing may be unwound.
    PyThreadState* const thread = PyEval_SaveThread();
    const int ready = ::poll(&fd, 1, slice);
    PyEval_RestoreThread(thread);
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (ready > 0) return true;
    if (left >= 0 && (left -= slice) <= 0) return false;
  }
}

class Runner {
 public:
  Runner(const py::dict& options, std::size_t max_concurrent_runs)
      : options_(sandbox::WithOperatorOptions(MakeOptions(options))) {
    auto runner = sandbox::CreateEmbeddedRunner(options_);
    ThrowIfError(runner.status());
    runner_ = *std::move(runner);
    pool_ = std::make_unique<RunPool>(runner_, max_concurrent_runs);
  }

  std::shared_ptr<Call> Start(const py::dict& request, const std::shared_ptr<Mailbox>& mailbox,
                              std::uint64_t number, std::size_t stream_room) {
    auto call = std::make_shared<Call>(number, MakeRequest(request), mailbox, stream_room);
    bool accepted = false;
    {
      const py::gil_scoped_release release;
      accepted = pool_->Submit(call);
    }
    if (!accepted) ThrowIfError(absl::FailedPreconditionError("the runner is closed"));
    return call;
  }

  py::tuple DryRun(const py::dict& request) {
    sandbox::RunRequest run = MakeRequest(request);
    run.called.reset();
    Outcome outcome;
    {
      const py::gil_scoped_release release;
      outcome = MakeOutcome(runner_->DryRun(run));
    }
    ThrowIfError(outcome.status);
    return py::make_tuple(Bytes(outcome.document), Bytes(outcome.spec_json));
  }

  void CheckReady() const {
    absl::Status status;
    {
      const py::gil_scoped_release release;
      status = python::CheckReady(options_);
    }
    ThrowIfError(status);
  }

  py::list CheckNode() const {
    std::vector<sandbox::Check> checks;
    {
      const py::gil_scoped_release release;
      checks = sandbox::CheckNode(options_);
    }
    py::list out;
    for (const sandbox::Check& check : checks) {
      out.append(py::make_tuple(check.name, check.ok, check.required, check.detail, check.remedy));
    }
    return out;
  }

  // Prometheus text format.
  std::string MetricsText() const {
    const py::gil_scoped_release release;
    return options_.metrics->Text();
  }

  void Close() { pool_->Close(); }
  bool Join(int timeout_ms) {
    const py::gil_scoped_release release;
    return pool_->Join(milliseconds(timeout_ms));
  }

 private:
  const sandbox::EmbeddedOptions options_;
  std::shared_ptr<sandbox::SandboxRunner> runner_;
  std::unique_ptr<RunPool> pool_;
};

py::dict ParseManifestText(const py::bytes& text, const std::string& file_name) {
  const auto manifest = policy::ParseManifest(std::string(text), file_name);
  ThrowIfError(manifest.status());
  return ManifestDict(*manifest);
}

}  // namespace
}  // namespace vortex::python

PYBIND11_MODULE(_native, m) {
  namespace py = pybind11;
  using vortex::python::Call;
  using vortex::python::Mailbox;
  using vortex::python::Runner;
  vortex::python::DefineError(m);
  vortex::python::DefinePolicy(m);
  m.attr("VERSION") = VORTEX_VERSION;
  m.attr("MAX_PAYLOAD_BYTES") = vortex::sandbox::kMaxPayloadBytes;
  m.attr("MAX_MANIFEST_BYTES") = vortex::policy::kMaxManifestBytes;
  m.attr("MANIFEST_NAME") = vortex::policy::kManifestName;

  py::class_<Mailbox, std::shared_ptr<Mailbox>>(m, "Mailbox")
      .def(py::init<>())
      .def("fileno", &Mailbox::fd)
      .def("take", &vortex::python::TakeLetters)
      .def("wait", &vortex::python::WaitLetters, py::arg("timeout_ms"));
  py::class_<Call, std::shared_ptr<Call>>(m, "Call")
      .def("cancel", &Call::Cancel, py::call_guard<py::gil_scoped_release>())
      .def("took", &Call::Took, py::arg("bytes"));
  py::class_<Runner>(m, "Runner")
      .def(py::init<const py::dict&, std::size_t>(), py::arg("options"),
           py::arg("max_concurrent_runs"))
      .def("start", &Runner::Start, py::arg("request"), py::arg("mailbox"), py::arg("number"),
           py::arg("stream_room"))
      .def("dry_run", &Runner::DryRun, py::arg("request"))
      .def("check_ready", &Runner::CheckReady)
      .def("metrics_text", &Runner::MetricsText)
      .def("check_node", &Runner::CheckNode)
      .def("close", &Runner::Close, py::call_guard<py::gil_scoped_release>())
      .def("join", &Runner::Join, py::arg("timeout_ms"));
  m.def("parse_manifest", &vortex::python::ParseManifestText, py::arg("text"),
        py::arg("file_name"));
  m.def(
      "encode_json",
      [](py::handle object, const std::string& name, std::size_t max_depth, std::size_t max_bytes) {
        const std::string text = vortex::python::EncodeJson(object, name, max_depth, max_bytes);
        return py::bytes(text.data(), text.size());
      },
      py::arg("object"), py::arg("name"), py::arg("max_depth"), py::arg("max_bytes"));
}
