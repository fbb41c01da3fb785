#include "control/endpoints.h"

#include "control/metrics.h"
#include "control/open_metrics.h"
#include "control/wire.h"
#include "util/concat.h"

#include <cassert>
#include <charconv>
#include <expected>
#include <utility>

namespace mailmoor::control {

namespace {

Problem unknown_mailbox(const std::string& mailbox) {
  Problem problem = make_problem(404, "unknown_mailbox", concat("there is no mailbox ", mailbox),
                                 "see mailmoorctl status for the names, or add it to the configuration and reload");
  problem.mailbox = mailbox;
  return problem;
}

std::expected<LoginRequest, Problem> login_request(const std::string& flow, const std::string& port) {
  LoginRequest request;
  const auto known = login_flow_from_name(flow);
  if (!known)
    return std::unexpected(make_problem(400, "bad_flow", "this is no way to sign in", "use device, browser or paste"));
  request.flow = *known;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), request.redirect_port);
  if (!port.empty() && (error != std::errc() || end != port.data() + port.size() || request.redirect_port == 0))
    return std::unexpected(make_problem(400, "bad_port", "redirect_port is no number of a port"));
  if (request.flow == LoginFlow::kBrowser && request.redirect_port == 0)
    return std::unexpected(make_problem(400, "bad_port", "to sign in by browser somebody must listen for it",
                                        "give redirect_port, or sign in by paste"));
  return request;
}

} // namespace

void Endpoints::serve(Request request, const ExchangePointer& exchange) const {
  if (!request.route.mailbox.empty() && !operations_.status(request.route.mailbox))
    return exchange->answer(unknown_mailbox(request.route.mailbox));
  if (is_posted(request.route.endpoint))
    act(std::move(request), exchange);
  else
    read(request.route, exchange);
}

void Endpoints::read(const Route& route, const ExchangePointer& exchange) const {
  switch (route.endpoint) {
  case Endpoint::kHealth:
    if (operations_.healthy()) return exchange->answer_json(R"({"healthy":true})");
    return exchange->answer(make_problem(503, "unhealthy", "the watchdog is not being fed",
                                         "see journalctl -u mailmoor for what is stuck"));
  case Endpoint::kMetrics:
    return exchange->answer(
        Answer{.content_type = std::string(kMetricsContentType), .body = to_open_metrics(operations_.metrics())});
  case Endpoint::kStatus: return exchange->answer_json(to_json(operations_.status()));
  case Endpoint::kVersion: return exchange->answer_json(to_json(Versions{operations_.status().version, parts_}));
  case Endpoint::kMailbox: return exchange->answer_json(to_json(*operations_.status(route.mailbox)));
  case Endpoint::kFolders: return exchange->answer_json(to_json(operations_.status(route.mailbox)->folders));
  case Endpoint::kReload:
  case Endpoint::kLoginAnswer:
  case Endpoint::kRotateKey:
  case Endpoint::kSync:
  case Endpoint::kPause:
  case Endpoint::kResume:
  case Endpoint::kConfirm:
  case Endpoint::kLogin:
  case Endpoint::kLogout:
  case Endpoint::kPassword:
  case Endpoint::kDoctor:
  case Endpoint::kVerify: break;
  }
  assert(false && "not an endpoint that is read");
}

void Endpoints::act(Request request, const ExchangePointer& exchange) const {
  const std::string& mailbox = request.route.mailbox;
  switch (request.route.endpoint) {
  case Endpoint::kReload: return reload(exchange);
  case Endpoint::kRotateKey: return rotate_key(std::move(request.body), exchange);
  case Endpoint::kSync: return sync(mailbox, request.wait, exchange);
  case Endpoint::kLogin: return login(request, exchange);
  case Endpoint::kLoginAnswer: return answer_login(std::move(request.body), exchange);
  case Endpoint::kDoctor: return examine(mailbox, exchange);
  case Endpoint::kVerify: return verify(request, exchange);
  case Endpoint::kPause: return answer_outcome(mailbox, operations_.pause(mailbox), *exchange);
  case Endpoint::kResume: return answer_outcome(mailbox, operations_.resume(mailbox), *exchange);
  case Endpoint::kConfirm: return answer_outcome(mailbox, operations_.confirm(mailbox), *exchange);
  case Endpoint::kLogout:
    if (const Status begun = operations_.logout(mailbox, answer_later(mailbox, exchange)); !begun)
      answer_outcome(mailbox, begun, *exchange);
    return;
  case Endpoint::kPassword:
    if (request.body.empty())
      return exchange->answer(make_problem(400, "no_password", "the body is empty; it must be the password"));
    if (const Status begun =
            operations_.set_password(mailbox, std::move(request.body), answer_later(mailbox, exchange));
        !begun)
      answer_outcome(mailbox, begun, *exchange);
    return;
  case Endpoint::kHealth:
  case Endpoint::kMetrics:
  case Endpoint::kStatus:
  case Endpoint::kVersion:
  case Endpoint::kMailbox:
  case Endpoint::kFolders: break;
  }
  assert(false && "not an endpoint that acts");
}

void Endpoints::sync(const std::string& mailbox, bool wait, const ExchangePointer& exchange) const {
  if (!wait) {
    const auto started = operations_.sync(mailbox, [](const Status&) {});
    return answer_outcome(mailbox, started ? Status() : pass(started.error()), *exchange, /*status=*/202);
  }
  auto started = operations_.sync(mailbox, answer_later(mailbox, exchange));
  if (!started) return answer_outcome(mailbox, pass(std::move(started).error()), *exchange);
  exchange->hold(std::move(*started));
}

void Endpoints::login(const Request& request, const ExchangePointer& exchange) const {
  const std::string& mailbox = request.route.mailbox;
  const auto asked = login_request(request.flow, request.redirect_port);
  if (!asked) return exchange->answer(asked.error());
  auto started =
      operations_.login(mailbox, *asked, [weak = std::weak_ptr(exchange)](const supervisor::LoginEvent& event) {
        const ExchangePointer alive = weak.lock();
        if (!alive) return;
        alive->send_line(to_json(event));
        if (event.kind != supervisor::LoginEvent::Kind::kPrompt) alive->finish();
      });
  keep_stream(mailbox, std::move(started), *exchange);
}

void Endpoints::keep_stream(const std::string& mailbox, Result<std::unique_ptr<supervisor::Subscription>> started,
                            Exchange& exchange) const {
  if (!started) return answer_outcome(mailbox, pass(std::move(started).error()), exchange);
  exchange.start_stream();
  exchange.hold(std::move(*started));
}

void Endpoints::answer_login(Secret redirected, const ExchangePointer& exchange) const {
  operations_.answer_login(std::move(redirected), [weak = std::weak_ptr(exchange)](const Result<std::string>& mailbox) {
    const ExchangePointer alive = weak.lock();
    if (!alive) return;
    if (!mailbox) return alive->answer(problem_from(mailbox.error()));
    supervisor::LoginEvent event;
    event.kind = supervisor::LoginEvent::Kind::kSignedIn;
    event.mailbox = *mailbox;
    alive->answer_json(to_json(event));
  });
}

void Endpoints::examine(const std::string& mailbox, const ExchangePointer& exchange) const {
  supervisor::ExaminationListener listener;
  listener.on_result = [weak = std::weak_ptr(exchange)](const supervisor::CheckResult& result) {
    const ExchangePointer alive = weak.lock();
    if (alive) alive->send_line(to_json(ExaminationLine{ExaminationLine::Kind::kCheck, result}));
  };
  listener.on_end = [weak = std::weak_ptr(exchange), mailbox](const Status& end) {
    const ExchangePointer alive = weak.lock();
    if (!alive) return;
    ExaminationLine last;
    last.kind = end ? ExaminationLine::Kind::kFinished : ExaminationLine::Kind::kFailed;
    last.result.mailbox = mailbox;
    if (!end) {
      last.result.found = end.error().what;
      last.result.remedy = end.error().remedy;
    }
    alive->send_line(to_json(last));
    alive->finish();
  };
  keep_stream(mailbox, operations_.examine(mailbox, std::move(listener)), *exchange);
}

void Endpoints::verify(const Request& request, const ExchangePointer& exchange) const {
  const std::string& mailbox = request.route.mailbox;
  const auto send = [weak = std::weak_ptr(exchange), mailbox](VerificationLine line, bool is_last) {
    const ExchangePointer alive = weak.lock();
    if (!alive) return;
    line.mailbox = mailbox;
    alive->send_line(to_json(line));
    if (is_last) alive->finish();
  };
  VerificationListener listener;
  listener.on_progress = [send](const VerifyProgress& progress) {
    VerificationLine line;
    line.kind = VerificationLine::Kind::kProgress;
    line.progress = progress;
    send(std::move(line), /*is_last=*/false);
  };
  listener.on_folder = [send](const FolderFindings& findings) {
    VerificationLine line;
    line.kind = VerificationLine::Kind::kFolder;
    line.findings = findings;
    send(std::move(line), /*is_last=*/false);
  };
  listener.on_end = [send](const Result<VerifySummary>& end) {
    VerificationLine line;
    line.kind = end ? VerificationLine::Kind::kFinished : VerificationLine::Kind::kFailed;
    if (end) {
      line.summary = *end;
    } else {
      line.error = end.error().what;
      line.remedy = end.error().remedy;
      line.code = end.error().code;
    }
    send(std::move(line), /*is_last=*/true);
  };
  keep_stream(mailbox, operations_.verify(mailbox, request.verify, std::move(listener)), *exchange);
}

void Endpoints::rotate_key(Secret provided, const ExchangePointer& exchange) const {
  operations_.rotate_key(std::move(provided), [weak = std::weak_ptr(exchange)](const Result<KeyRotation>& rotated) {
    const ExchangePointer alive = weak.lock();
    if (!alive) return;
    if (!rotated) return alive->answer(problem_from(rotated.error()));
    alive->answer_json(to_json(*rotated));
  });
}

void Endpoints::reload(const ExchangePointer& exchange) const {
  operations_.reload([weak = std::weak_ptr(exchange)](const supervisor::ReloadReport& report) {
    const ExchangePointer alive = weak.lock();
    if (!alive) return;
    if (report.errors.empty()) return alive->answer_json(to_json(report));
    Problem problem =
        make_problem(422, "configuration_rejected", "the new configuration has errors; the running one stays",
                     "correct the file, try it with mailmoorctl check, then reload again");
    problem.errors = report.errors;
    alive->answer(problem);
  });
}

void Endpoints::answer_outcome(const std::string& mailbox, const Status& outcome, Exchange& exchange,
                               int status) const {
  const auto now = operations_.status(mailbox);
  if (!outcome) {
    Problem problem = problem_from(outcome.error());
    problem.mailbox = mailbox;
    if (now) problem.state = supervisor::mailbox_state_name(now->state);
    return exchange.answer(problem);
  }
  if (!now) return exchange.answer(unknown_mailbox(mailbox)); // a reload took it away meanwhile
  exchange.answer(Answer{.status = status, .body = to_json(*now)});
}

std::function<void(Status)> Endpoints::answer_later(std::string mailbox, const ExchangePointer& exchange) const {
  // An exchange that is alive proves that the server and so this object are.
  return [this, mailbox = std::move(mailbox), weak = std::weak_ptr(exchange)](const Status& outcome) {
    if (const ExchangePointer alive = weak.lock()) answer_outcome(mailbox, outcome, *alive);
  };
}

} // namespace mailmoor::control
