// The floor: the least that a client can do. No sync tool: it keeps no state, checks nothing and trusts the server.
//
// usage: floor MODE HOST PORT CA_FILE PASSWORD DIRECTORY PROCESSES USER…
//   MODE   discard   UID FETCH 1:* (UID BODY.PEEK[]) of each folder, the bytes thrown away
//          syncfs    each message to DIRECTORY/USER/tmp/N, then renamed to new/N; a syncfs() before each 100 renames
//          ids       UID FETCH 1:* (UID FLAGS) of each folder: what a look at everything costs
// All commands of an account go out at once, PROCESSES accounts at a time. exit: 0 done · 1 something failed · 2 usage
#include <algorithm>
#include <arpa/inet.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

constexpr unsigned kGroup = 100; // messages a syncfs()

[[noreturn]] void die(const std::string& what) {
  std::perror(what.c_str());
  ERR_print_errors_fp(stderr);
  std::exit(1);
}

// One account's Maildir, all its folders in one.
class Files {
 public:
  explicit Files(const std::string& directory) {
    for (const char* sub : {"", "/tmp", "/new", "/cur"})
      if (::mkdir((directory + sub).c_str(), 0700) != 0) die(directory + sub);
    directory_ = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory_ < 0) die(directory);
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  ~Files() {
    sync();
    ::syncfs(directory_); // the names
    ::close(directory_);
  }
  void begin() {
    file_ = ::openat(directory_, ("tmp/" + std::to_string(begun_++)).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (file_ < 0) die("tmp/");
  }
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0) die("write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void end() {
    ::close(file_);
    if (begun_ - renamed_ == kGroup) sync();
  }

 private:
  void sync() {
    if (::syncfs(directory_) != 0) die("syncfs");
    for (; renamed_ < begun_; ++renamed_) {
      const std::string name = std::to_string(renamed_);
      if (::renameat(directory_, ("tmp/" + name).c_str(), directory_, ("new/" + name).c_str()) != 0) die("rename");
    }
  }
  int directory_ = -1;
  int file_ = -1;
  std::uint64_t begun_ = 0, renamed_ = 0;
};

class Account {
 public:
  Account(SSL_CTX* context, const char* host, int port, Files* files) : ssl_(SSL_new(context)), files_(files) {
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    const int one = 1;
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die("connect");
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL_set_fd(ssl_, fd);
    SSL_set_tlsext_host_name(ssl_, host);
    SSL_set1_host(ssl_, host);
    if (SSL_connect(ssl_) != 1) die("TLS");
  }
  void send(const std::string& text) {
    if (SSL_write(ssl_, text.data(), static_cast<int>(text.size())) <= 0) die("send");
  }
  // Everything up to the tagged line; the lines of LIST.
  std::vector<std::string> read_until(const std::string& tag) {
    std::vector<std::string> listed;
    for (std::string line;;) {
      line = read_line();
      if (line.starts_with("* LIST ")) listed.push_back(line);
      if (line.ends_with("}")) read_literal(std::strtoull(line.c_str() + line.rfind('{') + 1, nullptr, 10));
      if (!line.starts_with(tag + ' ')) continue;
      if (line.compare(tag.size() + 1, 2, "OK") != 0) die(line);
      return listed;
    }
  }
  void close() {
    send("Q LOGOUT\r\n");
    read_until("Q");
    ::close(SSL_get_fd(ssl_));
    SSL_free(ssl_);
  }

 private:
  void fill() {
    const int got = SSL_read(ssl_, buffer_, sizeof buffer_);
    if (got <= 0) die("the server closed the connection");
    left_ = std::string_view(buffer_, static_cast<std::size_t>(got));
  }
  std::string read_line() {
    std::string line;
    while (!line.ends_with('\n')) {
      if (left_.empty()) fill();
      const std::size_t end = std::min(left_.find('\n'), left_.size() - 1) + 1;
      line += left_.substr(0, end);
      left_.remove_prefix(end);
    }
    line.resize(line.size() - 2);
    return line;
  }
  void read_literal(std::uint64_t size) {
    if (files_ != nullptr) files_->begin();
    while (size != 0) {
      if (left_.empty()) fill();
      const std::string_view piece = left_.substr(0, size);
      if (files_ != nullptr) files_->write(piece);
      size -= piece.size();
      left_.remove_prefix(piece.size());
    }
    if (files_ != nullptr) files_->end();
  }
  SSL* ssl_;
  Files* files_;
  char buffer_[65536];
  std::string_view left_;
};

void run(SSL_CTX* context, char** argv, const std::string& user) {
  const std::string_view mode = argv[1];
  Files* const files = mode == "syncfs" ? new Files(std::string(argv[6]) + '/' + user) : nullptr;
  Account account(context, argv[2], std::atoi(argv[3]), files);
  account.send("L LOGIN " + user + ' ' + argv[5] + "\r\nF LIST \"\" *\r\n");
  account.read_until("L");
  const std::vector<std::string> folders = account.read_until("F");
  std::string all;
  std::string last;
  for (const std::string& line : folders) {
    if (line.find("\\Noselect") != std::string::npos) continue;
    last = "M" + std::to_string(all.size());
    all += "S EXAMINE " + line.substr(line.find("\"/\" ") + 4) + "\r\n" + last +
           (mode == "ids" ? " UID FETCH 1:* (UID FLAGS)\r\n" : " UID FETCH 1:* (UID BODY.PEEK[])\r\n");
  }
  account.send(all);
  account.read_until(last);
  account.close();
  delete files;
}

} // namespace

int main(int argc, char** argv) {
  if (argc < 9) {
    std::fprintf(stderr, "usage: floor MODE HOST PORT CA_FILE PASSWORD DIRECTORY PROCESSES USER...\n");
    return 2;
  }
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (SSL_CTX_load_verify_locations(context, argv[4], nullptr) != 1) die(argv[4]);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  const int processes = std::min(std::atoi(argv[7]), argc - 8);
  for (int process = 0; process < processes; ++process) {
    if (::fork() != 0) continue;
    for (int i = 8 + process; i < argc; i += processes)
      run(context, argv, argv[i]);
    ::_exit(0);
  }
  bool failed = false;
  for (int status = 0; ::wait(&status) > 0;)
    failed |= status != 0;
  return failed ? 1 : 0;
}
