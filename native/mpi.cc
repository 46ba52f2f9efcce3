// Connects the ranks of a run by MPI. One thread of the process makes all calls of MPI: it carries vectors for the operation
// GnrAllReduce and bytes for JavaScript, one request after another, and meanwhile listens to the other ranks, so that a rank
// that fails, dies or hangs ends the run on all of them.
// The C++ bindings of MPI 2 are gone from newer versions.
#define OMPI_SKIP_MPICXX 1
#include <dlfcn.h>
#include <mpi.h>
#include <node_api.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "collectives.h"

namespace {

using Seconds = double;
using Steady = std::chrono::steady_clock;

constexpr Seconds kHeartbeat = 1;
/** After a failure the program has this long to end by itself, in the rank that reports it and in the others. */
constexpr Seconds kReportGrace = 4;
constexpr Seconds kGrace = 8;
/**
 * A rank that was silent for so long does not report failures, and is why mpirun ends the others. (One that was killed is not: its
 * host tells mpirun, which names it, and a second later ends the others.)
 */
constexpr Seconds kSilence = 3 * kHeartbeat;
/** mpirun sends SIGKILL a second after SIGTERM: a rank looks for silent ones until shortly before. */
constexpr Seconds kLastWords = 0.8;
/** A rank that reports a failure takes so long at most to tell that to the others. */
constexpr Seconds kFarewell = 0.3;
constexpr auto kPollBusy = std::chrono::microseconds(50);
constexpr auto kPollIdle = std::chrono::milliseconds(20);
constexpr size_t kTextBytes = 2000;
constexpr const char* kCancelled = "the step was cancelled";
/** The program's exit code for a failure that is not the user's. */
constexpr int kFailed = 1;
constexpr int kHeartbeatTag = 1;
constexpr int kFailureTag = 2;
constexpr int kPartTag = 3;
constexpr int kResultTag = 4;
constexpr int kReportedTag = 5;

Seconds Now() { return std::chrono::duration<double>(Steady::now().time_since_epoch()).count(); }

/** What a rank tells the others: how far it is, or why it has failed. */
struct Message {
  /** Number of requests that the rank has reached. */
  uint64_t reached;
  /** Whether it works for itself, so that others wait for it however long it takes. */
  int32_t is_alone;
  /** The rank that a failure is blamed on for its silence, which does not report it; -1 for others. */
  int32_t accused;
  /** With which code the program is to end. */
  int32_t exit_code;
  /** Whether the rank will report the failure. */
  int32_t is_reporter;
  char text[kTextBytes];
};

/** Times of one call of the operation, since the epoch of the steady clock, and its size. */
struct TimelineEntry {
  Seconds enqueued, started, ended;
  double bytes;
};

/** A collective operation: starts when the thread takes it, and its end is reported with nullptr or a failure. */
struct Request {
  std::function<bool()> run;
  std::function<void(const char* failure)> done;
};

struct Peer {
  Seconds heard = 0;
  uint64_t reached = 0;
  bool is_alone = false;
  Message outgoing{};
  MPI_Request sending = MPI_REQUEST_NULL;
  Message incoming{};
  MPI_Request receiving = MPI_REQUEST_NULL;
};

/** Whether this process was asked to end, which mpirun does to all ranks when it has lost a host. */
std::atomic<bool> is_terminated{false};
struct sigaction program_action;

void OnTermination(int signal) {
  is_terminated = true;
  program_action.sa_handler(signal);
}

/** Notices SIGTERM at once, though the program, which keeps handling it, may be busy. */
void WatchTermination() {
  if (sigaction(SIGTERM, nullptr, &program_action) != 0 || program_action.sa_flags & SA_SIGINFO) return;
  if (program_action.sa_handler == SIG_DFL || program_action.sa_handler == SIG_IGN) return;
  struct sigaction action = program_action;
  action.sa_handler = OnTermination;
  sigaction(SIGTERM, &action, nullptr);
}

class World {
 public:
  int rank = 0, size = 1, local_rank = 0, local_size = 1, processors = 1;
  std::vector<std::string> hosts;
  std::string version;
  /** How long the others may wait for a rank that does not work for itself. */
  std::atomic<Seconds> limit{120};

  /** Starts the thread and MPI in it. @returns an empty text or the reason of a failure. */
  std::string Open() {
    std::string failure;
    bool ready = false;
    std::thread([&, this] {
      std::string problem = Start();
      {
        std::lock_guard<std::mutex> lock(mutex_);
        failure = problem;
        ready = true;
        changed_.notify_all();
      }
      if (problem.empty()) Loop();
    }).detach();
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ready; });
    return failure;
  }

  /** Queues a request; one with a place behind those of its step with lower places, which may come later. */
  void Enqueue(Request request, GnrPlace place = {0, -1}) {
    std::unique_lock<std::mutex> lock(mutex_);
    if (place.index >= 0 && place.step == cancelled_) {
      // Its step failed while the call was on its way here: nothing would end it later.
      lock.unlock();
      request.done(kCancelled);
      return;
    }
    if (place.index < 0) {
      queue_.push_back(std::move(request));
    } else {
      if (place.step != step_) {
        step_ = place.step;
        next_ = 0;
      }
      early_.emplace(place.index, std::move(request));
      for (auto it = early_.find(next_); it != early_.end(); it = early_.find(++next_)) {
        queue_.push_back(std::move(it->second));
        early_.erase(it);
      }
    }
    changed_.notify_all();
  }

  /** Ends the requests of a step that wait for others. */
  void Cancel(int64_t step) {
    std::map<int64_t, Request> requests;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      cancelled_ = step;
      if (step == step_) requests.swap(early_);
    }
    for (auto& [index, request] : requests) request.done(kCancelled);
  }

  /** Tells the other ranks that this one has failed; requests fail from now on. */
  void Fail(const std::string& text, int exit_code) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (own_failure_.empty()) {
      own_failure_ = text;
      own_exit_code_ = exit_code;
    }
    changed_.notify_all();
  }

  std::string failure() {
    std::lock_guard<std::mutex> lock(mutex_);
    return failure_;
  }

  /** With which code the program is to end after the failure. */
  int exit_code() {
    std::lock_guard<std::mutex> lock(mutex_);
    return exit_code_;
  }

  /** Whether this rank reports the failure: when the run failed, it was the first that was heard of. */
  bool IsReporter() { return is_reporter_; }

  /** Whether another rank has reported the failure. */
  bool IsReported() { return is_reported_; }

  void SetAlone(bool alone) { is_alone_ = alone; }

  /** Ends the thread; with `finalize` MPI too, which waits for the other ranks. */
  void Close(bool finalize) {
    std::unique_lock<std::mutex> lock(mutex_);
    closing_ = finalize ? 2 : 1;
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(5), [&] { return closed_; });
  }

  // The rest runs in the thread of MPI.

  bool Average(float* const* parts, const size_t* sizes, size_t count, TimelineEntry& times) {
    times.started = Now();
    size_t length = 0;
    for (size_t i = 0; i < count; i++) length += sizes[i];
    float* data = parts[0];
    if (count > 1) {
      joined_.resize(length);
      data = joined_.data();
      for (size_t i = 0, at = 0; i < count; at += sizes[i++]) std::copy_n(parts[i], sizes[i], data + at);
    }
    const bool ok = AverageVector(data, length);
    if (ok && count > 1)
      for (size_t i = 0, at = 0; i < count; at += sizes[i++]) std::copy_n(data + at, sizes[i], parts[i]);
    times.ended = Now();
    times.bytes = static_cast<double>(length) * sizeof(float);
    return ok;
  }

  bool AllGather(const void* own, void* all, size_t bytes) {
    MPI_Request request;
    if (!Check(MPI_Iallgather(own, bytes, MPI_BYTE, all, bytes, MPI_BYTE, data_, &request))) return false;
    return Wait(&request, 1);
  }

  /** Gathers on rank 0 alone. */
  bool Collect(const void* own, void* all, size_t bytes) {
    MPI_Request request;
    if (!Check(MPI_Igather(own, bytes, MPI_BYTE, all, bytes, MPI_BYTE, 0, data_, &request))) return false;
    return Wait(&request, 1);
  }

  /** Gives every rank its part of rank 0's bytes. */
  bool Scatter(const void* all, void* own, size_t bytes) {
    MPI_Request request;
    if (!Check(MPI_Iscatter(all, bytes, MPI_BYTE, own, bytes, MPI_BYTE, 0, data_, &request))) return false;
    return Wait(&request, 1);
  }

  bool Broadcast(void* bytes, size_t length, int root) {
    MPI_Request request;
    if (!Check(MPI_Ibcast(bytes, length, MPI_BYTE, root, data_, &request))) return false;
    return Wait(&request, 1);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Request> queue_;
  /** Requests of the step that came before others with lower places, and the place that comes next. */
  std::map<int64_t, Request> early_;
  int64_t step_ = -1, next_ = 0;
  /** The last step that has failed. */
  int64_t cancelled_ = -1;
  std::string own_failure_, failure_;
  int own_exit_code_ = kFailed, exit_code_ = kFailed;
  int closing_ = 0;
  bool closed_ = false;
  std::atomic<bool> is_alone_{false};
  std::atomic<bool> is_reporter_{false};
  std::atomic<bool> is_reported_{false};

  MPI_Comm data_ = MPI_COMM_NULL, control_ = MPI_COMM_NULL;
  std::vector<Peer> peers_;
  std::vector<float> joined_, received_;
  uint64_t reached_ = 0;
  /** Seconds that this process was awake: a process that was stopped must not blame the others for the time. */
  Seconds awake_ = 0, last_tick_ = 0, last_beat_ = 0, failed_at_ = -1, terminated_at_ = -1;
  bool told_ = false;
  int accused_ = -1;

  std::string Start() {
    // Open MPI's plugins look for its symbols in the whole process.
    dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL | RTLD_NOLOAD);
    int provided = 0;
    if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) return "MPI does not start";
    MPI_Comm_dup(MPI_COMM_WORLD, &data_);
    MPI_Comm_dup(MPI_COMM_WORLD, &control_);
    for (MPI_Comm comm : {MPI_COMM_WORLD, data_, control_}) MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    MPI_Comm_rank(data_, &rank);
    MPI_Comm_size(data_, &size);
    char library[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(library, &length);
    version.assign(library, length);
    Locate();
    WatchTermination();
    peers_.resize(size);
    awake_ = 0;
    last_tick_ = Now();
    for (int p = 0; p < size; p++)
      if (p != rank) Listen(p);
    return "";
  }

  /** Finds the ranks of this host, its share of the processors, and the names of all hosts. */
  void Locate() {
    char name[MPI_MAX_PROCESSOR_NAME] = {};
    int length = 0;
    MPI_Get_processor_name(name, &length);
    std::vector<char> names(static_cast<size_t>(size) * sizeof name);
    MPI_Allgather(name, sizeof name, MPI_CHAR, names.data(), sizeof name, MPI_CHAR, data_);
    for (int p = 0; p < size; p++) hosts.emplace_back(names.data() + p * sizeof name);
    MPI_Comm local;
    MPI_Comm_split_type(data_, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &local);
    MPI_Comm_rank(local, &local_rank);
    MPI_Comm_size(local, &local_size);
    // mpirun may bind each rank to processors of its own, or let all share all of them.
    cpu_set_t own, all;
    CPU_ZERO(&own);
    sched_getaffinity(getpid(), sizeof own, &own);
    MPI_Allreduce(&own, &all, sizeof own, MPI_BYTE, MPI_BOR, local);
    processors = std::max(1, std::min(CPU_COUNT(&own), CPU_COUNT(&all) / local_size));
    MPI_Comm_free(&local);
  }

  std::string NameOf(int p) const { return "rank " + std::to_string(p) + " on " + hosts[p]; }

  bool Check(int code) {
    if (code == MPI_SUCCESS) return true;
    char text[MPI_MAX_ERROR_STRING];
    int length = 0;
    MPI_Error_string(code, text, &length);
    SetFailure(NameOf(rank) + " lost its connection: " + std::string(text, length));
    return false;
  }

  /** @param has_reporter whether the failure is known from a rank that reports it. */
  void SetFailure(const std::string& text, int accused = -1, int exit_code = kFailed, bool has_reporter = false) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (failed_at_ >= 0) return;
    failed_at_ = Now();
    failure_ = text;
    exit_code_ = exit_code;
    accused_ = accused;
    int reporter = 0;
    while (reporter < rank && (reporter == accused || awake_ - peers_[reporter].heard >= kSilence)) reporter++;
    is_reporter_ = !has_reporter && reporter == rank && rank != accused;
  }

  bool HasFailed() { return failed_at_ >= 0; }

  void Listen(int p) {
    MPI_Irecv(&peers_[p].incoming, sizeof(Message), MPI_BYTE, p, MPI_ANY_TAG, control_, &peers_[p].receiving);
  }

  /** Sends to a peer, unless the message before is still under way. */
  bool Tell(int p, int tag, const std::string& text) {
    Peer& peer = peers_[p];
    int sent = 1;
    if (peer.sending != MPI_REQUEST_NULL) MPI_Test(&peer.sending, &sent, MPI_STATUS_IGNORE);
    if (!sent) return false;
    peer.outgoing = {};
    peer.outgoing.reached = reached_;
    peer.outgoing.is_alone = is_alone_;
    peer.outgoing.accused = accused_;
    peer.outgoing.exit_code = exit_code_;
    peer.outgoing.is_reporter = is_reporter_;
    std::strncpy(peer.outgoing.text, text.c_str(), kTextBytes - 1);
    const size_t bytes = offsetof(Message, text) + text.size() + 1;
    MPI_Isend(&peer.outgoing, std::min(bytes, sizeof(Message)), MPI_BYTE, p, tag, control_, &peer.sending);
    return true;
  }

  /** Hears and tells the other ranks; called often. */
  void Tick() {
    const Seconds now = Now();
    awake_ += std::min(now - last_tick_, kHeartbeat);
    last_tick_ = now;
    for (int p = 0; p < size; p++) {
      if (p == rank) continue;
      Peer& peer = peers_[p];
      for (int arrived = 1; arrived;) {
        MPI_Status status;
        arrived = 0;
        if (MPI_Test(&peer.receiving, &arrived, &status) != MPI_SUCCESS || !arrived) break;
        peer.heard = awake_;
        peer.reached = peer.incoming.reached;
        peer.is_alone = peer.incoming.is_alone;
        if (status.MPI_TAG == kFailureTag) {
          peer.incoming.text[kTextBytes - 1] = '\0';
          const bool has_reporter = peer.incoming.is_reporter;
          // Two ranks that could not hear each other may both want to report: the first one does.
          if (HasFailed() && has_reporter && p < rank) is_reporter_ = false;
          SetFailure(peer.incoming.text, peer.incoming.accused, peer.incoming.exit_code, has_reporter);
        }
        if (status.MPI_TAG == kReportedTag) is_reported_ = true;
        Listen(p);
      }
    }
    std::string own;
    int own_exit_code = kFailed;
    {
      std::lock_guard<std::mutex> lock(mutex_);
      own = own_failure_;
      own_exit_code = own_exit_code_;
    }
    if (!own.empty()) SetFailure(own, -1, own_exit_code);
    if (HasFailed() && !told_) {
      told_ = true;
      const std::string text = failure();
      for (int p = 0; p < size; p++)
        if (p != rank && !Tell(p, kFailureTag, text)) told_ = false;
    }
    if (now - last_beat_ >= kHeartbeat) {
      last_beat_ = now;
      for (int p = 0; p < size; p++)
        if (p != rank) Tell(p, kHeartbeatTag, "");
    }
    if (is_terminated && !HasFailed()) BlameLost();
    if (HasFailed() && now - failed_at_ > (IsReporter() ? kReportGrace : kGrace)) End();
  }

  /** Names the ranks of a host that mpirun has lost, if that is why it ends this one, before it kills it. */
  void BlameLost() {
    if (terminated_at_ < 0) terminated_at_ = awake_;
    if (awake_ - terminated_at_ > kLastWords) return;
    std::string names;
    Seconds silent = 0;
    int lost = -1;
    for (int p = 0; p < size; p++) {
      if (p == rank || awake_ - peers_[p].heard < kSilence) continue;
      names += (lost < 0 ? "" : ", ") + NameOf(p);
      silent = std::max(silent, awake_ - peers_[p].heard);
      lost = p;
    }
    if (lost < 0) return;
    SetFailure(names + (names == NameOf(lost) ? " has" : " have") + " not been heard of for " +
                   std::to_string(static_cast<int>(silent)) +
                   " seconds, and mpirun ends the run: a machine or the network is down",
               lost);
    if (IsReporter()) End();
  }

  /** The program did not end by itself after a failure. */
  [[noreturn]] void End() {
    if (!is_reported_) {
      const std::string text = failure();
      std::fprintf(stderr, "gnr: %s%s\n", text.c_str(), text.back() == '.' ? "" : ".");
      std::fflush(stderr);
      TellReported();
    }
    _exit(exit_code());
  }

  /** Tells the other ranks that this one has reported the failure, so that none does it again. */
  void TellReported() {
    std::vector<bool> is_told(size, false), has_arrived(size, false);
    is_told[rank] = has_arrived[rank] = true;
    for (const Seconds since = Now(); Now() - since < kFarewell; std::this_thread::sleep_for(kPollBusy)) {
      bool is_done = true;
      for (int p = 0; p < size; p++) {
        if (!is_told[p]) is_told[p] = Tell(p, kReportedTag, "");
        if (is_told[p] && !has_arrived[p]) {
          int sent = 0;
          MPI_Test(&peers_[p].sending, &sent, MPI_STATUS_IGNORE);
          has_arrived[p] = sent;
        }
        is_done = is_done && has_arrived[p];
      }
      if (is_done) return;
    }
  }

  /** Waits for requests of MPI; false if the run has failed meanwhile. */
  bool Wait(MPI_Request* requests, int count) {
    const Seconds since = awake_;
    for (;;) {
      int done = 0;
      if (!Check(MPI_Testall(count, requests, &done, MPI_STATUSES_IGNORE))) return false;
      if (done) return true;
      Tick();
      if (HasFailed()) return false;
      if (awake_ - since > limit && Blame(since)) return false;
      std::this_thread::sleep_for(kPollBusy);
    }
  }

  /** Sets the failure that names the rank that the others wait for; false if all are on their way. */
  bool Blame(Seconds since) {
    for (int p = 0; p < size; p++) {
      if (p == rank) continue;
      const Peer& peer = peers_[p];
      const Seconds silent = awake_ - std::max(peer.heard, 0.0);
      const std::string name = NameOf(p);
      const bool is_late = peer.reached < reached_ && !peer.is_alone;
      // A rank that fell silent while the others waited has not been heard of for less than they have waited.
      if (silent > limit || (is_late && silent > limit / 2)) {
        SetFailure(name + " has not been heard of for " + std::to_string(static_cast<int>(silent)) +
                   " seconds: its process is stopped, or its machine or the network is down",
                   p);
        return true;
      }
      if (is_late) {
        SetFailure(name + " hangs: the other ranks have waited for it for " +
                   std::to_string(static_cast<int>(limit)) + " seconds (distributed.timeoutSeconds)",
                   p);
        return true;
      }
    }
    return false;
  }

  /**
   * Averages a vector in place. Each rank adds up its own part of the vector, in the order of the ranks, and sends the result
   * to all: the bytes are the same on all ranks, and for all runs with as many.
   */
  bool AverageVector(float* data, size_t length) {
    const auto begin = [&](int p) { return length * p / size; };
    const auto extent = [&](int p) { return begin(p + 1) - begin(p); };
    const size_t own = extent(rank);
    float* mine = data + begin(rank);
    received_.resize(own * size);
    std::vector<MPI_Request> requests;
    const auto receive = [&](float* to, size_t count, int p, int tag) {
      requests.emplace_back();
      return Check(MPI_Irecv(to, count, MPI_FLOAT, p, tag, data_, &requests.back()));
    };
    const auto send = [&](const float* from, size_t count, int p, int tag) {
      requests.emplace_back();
      return Check(MPI_Isend(from, count, MPI_FLOAT, p, tag, data_, &requests.back()));
    };
    for (int step = 1; step < size; step++) {
      const int p = (rank + step) % size;
      if (!receive(received_.data() + own * p, own, p, kPartTag) || !send(data + begin(p), extent(p), p, kPartTag))
        return false;
    }
    if (!Wait(requests.data(), requests.size())) return false;
    if (rank > 0) {
      std::copy_n(mine, own, received_.data() + own * rank);
      std::copy_n(received_.data(), own, mine);
    }
    const float share = 1.0f / size;
    for (int p = 1; p < size; p++) {
      const float* part = received_.data() + own * p;
      for (size_t i = 0; i < own; i++) mine[i] += part[i];
    }
    for (size_t i = 0; i < own; i++) mine[i] *= share;
    requests.clear();
    for (int step = 1; step < size; step++) {
      const int p = (rank + step) % size;
      if (!receive(data + begin(p), extent(p), p, kResultTag) || !send(mine, own, p, kResultTag)) return false;
    }
    return Wait(requests.data(), requests.size());
  }

  void Loop() {
    for (;;) {
      Request request;
      int closing = 0;
      {
        std::unique_lock<std::mutex> lock(mutex_);
        changed_.wait_for(lock, kPollIdle, [&] { return !queue_.empty() || closing_ != 0; });
        if (!queue_.empty()) {
          request = std::move(queue_.front());
          queue_.pop_front();
        } else {
          closing = closing_;
        }
      }
      Tick();
      if (request.run) {
        reached_++;
        const bool ok = !HasFailed() && request.run();
        request.done(ok ? nullptr : failure().c_str());
      } else if (closing != 0) {
        Shut(closing == 2);
        return;
      }
    }
  }

  void Shut(bool finalize) {
    if (finalize) {
      for (Peer& peer : peers_) {
        if (peer.sending != MPI_REQUEST_NULL) MPI_Wait(&peer.sending, MPI_STATUS_IGNORE);
      }
      MPI_Barrier(data_);
      for (Peer& peer : peers_) {
        if (peer.receiving == MPI_REQUEST_NULL) continue;
        MPI_Cancel(&peer.receiving);
        MPI_Wait(&peer.receiving, MPI_STATUS_IGNORE);
      }
      MPI_Finalize();
    } else if (HasFailed() && !is_reported_) {
      TellReported();
    }
    std::lock_guard<std::mutex> lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }
};

/** Never freed: its thread may run until the process ends. */
World* world = nullptr;
std::mutex timeline_mutex;
std::vector<TimelineEntry> timeline;
bool keeps_timeline = false;

void AverageParts(float* const* parts, const size_t* sizes, size_t count, GnrPlace place, void (*done)(void*, const char*),
                  void* context) {
  struct Work {
    std::vector<float*> parts;
    std::vector<size_t> sizes;
    TimelineEntry times{};
  };
  auto work = std::make_shared<Work>();
  work->parts.assign(parts, parts + count);
  work->sizes.assign(sizes, sizes + count);
  work->times.enqueued = Now();
  const auto run = [work] {
    const bool ok = world->Average(work->parts.data(), work->sizes.data(), work->parts.size(), work->times);
    std::lock_guard<std::mutex> lock(timeline_mutex);
    if (keeps_timeline) timeline.push_back(work->times);
    return ok;
  };
  world->Enqueue({run, [done, context](const char* failure) { done(context, failure); }}, place);
}

void CancelStep(int64_t step) { world->Cancel(step); }

const GnrCollectives kCollectives = {AverageParts, CancelStep};

// --- JavaScript. ---

/** A request of JavaScript: its bytes, and its promise. */
struct Exchange {
  std::vector<uint8_t> bytes, all;
  std::string failure;
  napi_deferred deferred = nullptr;
};

napi_threadsafe_function settle = nullptr;

void Throw(napi_env env, const std::string& text) { napi_throw_error(env, nullptr, text.c_str()); }

void Set(napi_env env, napi_value object, const char* name, double number) {
  napi_value value;
  napi_create_double(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

napi_value TextValue(napi_env env, const std::string& text) {
  napi_value value;
  napi_create_string_utf8(env, text.data(), text.size(), &value);
  return value;
}

std::string TextOf(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) return {};
  std::string text(length, '\0');
  napi_get_value_string_utf8(env, value, text.data(), length + 1, &length);
  return text;
}

/** Settles a promise; runs in the main thread. */
void Settle(napi_env env, napi_value, void*, void* data) {
  std::unique_ptr<Exchange> exchange(static_cast<Exchange*>(data));
  if (env == nullptr) return;
  if (!exchange->failure.empty()) {
    napi_value error;
    napi_create_error(env, nullptr, TextValue(env, exchange->failure), &error);
    napi_reject_deferred(env, exchange->deferred, error);
    return;
  }
  void* target = nullptr;
  napi_value buffer, array;
  napi_create_arraybuffer(env, exchange->all.size(), &target, &buffer);
  if (!exchange->all.empty()) std::memcpy(target, exchange->all.data(), exchange->all.size());
  napi_create_typedarray(env, napi_uint8_array, exchange->all.size(), buffer, 0, &array);
  napi_resolve_deferred(env, exchange->deferred, array);
}

template <size_t N>
bool Arguments(napi_env env, napi_callback_info info, napi_value (&values)[N]) {
  size_t count = N;
  if (napi_get_cb_info(env, info, &count, values, nullptr, nullptr) == napi_ok && count >= N) return true;
  Throw(env, "expected " + std::to_string(N) + " arguments");
  return false;
}

/** open(): starts MPI. @returns the place of this process among all. */
napi_value Open(napi_env env, napi_callback_info) {
  if (world != nullptr) {
    Throw(env, "MPI was started before");
    return nullptr;
  }
  world = new World;
  const std::string failure = world->Open();
  if (!failure.empty()) {
    Throw(env, failure);
    return nullptr;
  }
  napi_value name = TextValue(env, "gnr mpi");
  // Until `close` it keeps the process alive, whatever that waits for: a rank that is gone could not report a failure.
  napi_create_threadsafe_function(env, nullptr, nullptr, name, 0, 1, nullptr, nullptr, nullptr, Settle, &settle);
  napi_value result, hosts, external;
  napi_create_object(env, &result);
  Set(env, result, "rank", world->rank);
  Set(env, result, "size", world->size);
  Set(env, result, "localRank", world->local_rank);
  Set(env, result, "localSize", world->local_size);
  Set(env, result, "processors", world->processors);
  napi_set_named_property(env, result, "version", TextValue(env, world->version));
  napi_create_array(env, &hosts);
  for (size_t i = 0; i < world->hosts.size(); i++) napi_set_element(env, hosts, i, TextValue(env, world->hosts[i]));
  napi_set_named_property(env, result, "hosts", hosts);
  napi_create_external(env, const_cast<GnrCollectives*>(&kCollectives), nullptr, nullptr, &external);
  napi_set_named_property(env, result, "collectives", external);
  return result;
}

/** Queues a request of JavaScript with a copy of its bytes. @returns the promise of the bytes that it gives. */
napi_value Queue(napi_env env, napi_value array, const std::function<bool(Exchange&)>& run) {
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, nullptr, nullptr) != napi_ok || type != napi_uint8_array) {
    Throw(env, "expected a Uint8Array");
    return nullptr;
  }
  auto* exchange = new Exchange;
  const auto* bytes = static_cast<const uint8_t*>(data);
  exchange->bytes.assign(bytes, bytes + length);
  napi_value promise;
  napi_create_promise(env, &exchange->deferred, &promise);
  const auto done = [exchange](const char* failure) {
    if (failure != nullptr) exchange->failure = *failure ? failure : "the run has failed";
    napi_call_threadsafe_function(settle, exchange, napi_tsfn_nonblocking);
  };
  world->Enqueue({[exchange, run] { return run(*exchange); }, done});
  return promise;
}

/** gather(bytes): a promise of the bytes of all ranks, in their order; all ranks pass as many. */
napi_value Gather(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!Arguments(env, info, values)) return nullptr;
  return Queue(env, values[0], [](Exchange& exchange) {
    exchange.all.resize(exchange.bytes.size() * world->size);
    return world->AllGather(exchange.bytes.data(), exchange.all.data(), exchange.bytes.size());
  });
}

/** collect(bytes): as gather(), for rank 0 alone: the others get no bytes. */
napi_value Collect(napi_env env, napi_callback_info info) {
  napi_value values[1];
  if (!Arguments(env, info, values)) return nullptr;
  return Queue(env, values[0], [](Exchange& exchange) {
    if (world->rank == 0) exchange.all.resize(exchange.bytes.size() * world->size);
    return world->Collect(exchange.bytes.data(), exchange.all.data(), exchange.bytes.size());
  });
}

/** scatter(bytes, count): a promise of this rank's `count` bytes of those of rank 0, who passes `count` for each rank. */
napi_value Scatter(napi_env env, napi_callback_info info) {
  napi_value values[2];
  if (!Arguments(env, info, values)) return nullptr;
  double count = 0;
  napi_get_value_double(env, values[1], &count);
  const auto bytes = static_cast<size_t>(count);
  return Queue(env, values[0], [bytes](Exchange& exchange) {
    exchange.all.resize(bytes);
    return world->Scatter(exchange.bytes.data(), exchange.all.data(), bytes);
  });
}

/** broadcast(bytes, root): a promise of the bytes of rank `root`; all ranks pass as many. */
napi_value Broadcast(napi_env env, napi_callback_info info) {
  napi_value values[2];
  if (!Arguments(env, info, values)) return nullptr;
  int32_t root = 0;
  napi_get_value_int32(env, values[1], &root);
  return Queue(env, values[0], [root](Exchange& exchange) {
    exchange.all.swap(exchange.bytes);
    return world->Broadcast(exchange.all.data(), exchange.all.size(), root);
  });
}

/** setAlone(alone): whether this rank works for itself, so that the others wait for it however long it takes. */
napi_value SetAlone(napi_env env, napi_callback_info info) {
  napi_value values[1];
  bool alone = false;
  if (Arguments(env, info, values) && napi_get_value_bool(env, values[0], &alone) == napi_ok) world->SetAlone(alone);
  return nullptr;
}

/** setLimit(seconds): how long the others may wait for a rank. */
napi_value SetLimit(napi_env env, napi_callback_info info) {
  napi_value values[1];
  double limit = 0;
  if (Arguments(env, info, values) && napi_get_value_double(env, values[0], &limit) == napi_ok) world->limit = limit;
  return nullptr;
}

/** fail(text, exitCode): ends the run on all ranks with this reason. */
napi_value Fail(napi_env env, napi_callback_info info) {
  napi_value values[2];
  int32_t exit_code = kFailed;
  if (Arguments(env, info, values) && napi_get_value_int32(env, values[1], &exit_code) == napi_ok)
    world->Fail(TextOf(env, values[0]), exit_code);
  return nullptr;
}

/** failure(): why the run has failed; empty if it has not. */
napi_value Failure(napi_env env, napi_callback_info) { return TextValue(env, world->failure()); }

/** exitCode(): with which code the program is to end after the failure. */
napi_value ExitCode(napi_env env, napi_callback_info) {
  napi_value value;
  napi_create_int32(env, world->exit_code(), &value);
  return value;
}

/** isReporter(): whether this rank reports the failure of the run. */
napi_value IsReporter(napi_env env, napi_callback_info) {
  napi_value value;
  napi_get_boolean(env, world->IsReporter(), &value);
  return value;
}

/** isReported(): whether another rank has reported the failure of the run. */
napi_value IsReported(napi_env env, napi_callback_info) {
  napi_value value;
  napi_get_boolean(env, world->IsReported(), &value);
  return value;
}

/** close(finalize): ends MPI; without `finalize` only the thread, because other ranks may be gone. */
napi_value CloseWorld(napi_env env, napi_callback_info info) {
  napi_value values[1];
  bool finalize = false;
  if (Arguments(env, info, values) && napi_get_value_bool(env, values[0], &finalize) == napi_ok) world->Close(finalize);
  napi_unref_threadsafe_function(env, settle);
  return nullptr;
}

/** timeline(): times of the operation's calls since the call before, [enqueued, started, ended, bytes] each, seconds. */
napi_value Timeline(napi_env env, napi_callback_info) {
  std::vector<TimelineEntry> entries;
  {
    std::lock_guard<std::mutex> lock(timeline_mutex);
    keeps_timeline = true;
    entries.swap(timeline);
  }
  napi_value list;
  napi_create_array(env, &list);
  uint32_t index = 0;
  for (const TimelineEntry& entry : entries) {
    napi_value item;
    napi_create_object(env, &item);
    Set(env, item, "enqueued", entry.enqueued);
    Set(env, item, "started", entry.started);
    Set(env, item, "ended", entry.ended);
    Set(env, item, "bytes", entry.bytes);
    napi_set_element(env, list, index++, item);
  }
  return list;
}

}  // namespace

NAPI_MODULE_INIT() {
  const std::pair<const char*, napi_callback> functions[] = {
      {"collect", Collect},   {"scatter", Scatter},
      {"open", Open},         {"gather", Gather},   {"broadcast", Broadcast},   {"setAlone", SetAlone}, {"setLimit", SetLimit}, {"fail", Fail},
      {"failure", Failure},   {"exitCode", ExitCode}, {"close", CloseWorld},      {"isReporter", IsReporter}, {"timeline", Timeline},
      {"isReported", IsReported},
  };
  for (const auto& [name, callback] : functions) {
    napi_value function;
    if (napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function) == napi_ok)
      napi_set_named_property(env, exports, name, function);
  }
  return exports;
}
