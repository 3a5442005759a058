// Speaks PostgreSQL's protocol as a script says, message by message, and prints what the server
// answers in words that can be compared between servers (tests/e2e/wire.sh).
//
//   wire_client HOST PORT <SCRIPT
//
// A line is one message; words may be quoted with "" (\n, \t, \\, \" and \xHH inside):
//   Connect [NAME VALUE]...      a new connection in place of the one before
//   Query TEXT                   Parse NAME TEXT [TYPE-OID]...
//   Bind PORTAL STATEMENT [VALUE]... [: FORMAT...]     VALUE: null, t:TEXT or b:HEX
//   Describe S|P NAME            Execute PORTAL ROWS          Close S|P NAME
//   Flush, Sync, Terminate       CopyData TEXT                CopyDone, CopyFail TEXT
//   Raw TYPE HEX                 any other message
//   Read TYPE                    print answers until one of this type has come
//   End                          print answers until the server closes
//   Cancel                       a cancel request for this connection, on one of its own
//   Sleep MILLISECONDS
//   Other COMMAND...             the same on a second connection that stays beside
// What is written leaves at the next Read, End, Sleep or Cancel.
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

[[noreturn]] void die(const std::string& why) {
  std::fflush(stdout);
  std::fprintf(stderr, "wire_client: %s\n", why.c_str());
  std::exit(2);
}

std::string big_endian(int64_t v, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(v >> (8 * i)));
  return out;
}

int64_t number(const std::string& s, size_t* at, int bytes) {
  if (*at + static_cast<size_t>(bytes) > s.size()) die("a message is shorter than it says");
  uint64_t v = 0;
  for (int i = 0; i < bytes; ++i) v = v << 8 | static_cast<unsigned char>(s[(*at)++]);
  if (bytes == 2) return static_cast<int16_t>(v);
  return bytes == 4 ? static_cast<int32_t>(v) : static_cast<int64_t>(v);
}

std::string text(const std::string& s, size_t* at) {
  std::string out = s.c_str() + *at;
  *at += out.size() + 1;
  return out;
}

std::string from_hex(const std::string& hex) {
  std::string out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

std::string shown(const std::string& s) {
  std::string out;
  for (unsigned char c : s) {
    char buffer[8];
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c >= 0x20 && c < 0x7f) {
      out.push_back(static_cast<char>(c));
    } else {
      std::snprintf(buffer, sizeof buffer, "\\x%02x", c);
      out += buffer;
    }
  }
  return out;
}

int dial(const std::string& host, const std::string& port) {
  addrinfo* found = nullptr;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) die("no such host");
  int fd = socket(found->ai_family, SOCK_STREAM, 0);
  if (connect(fd, found->ai_addr, found->ai_addrlen) != 0) die("cannot connect");
  freeaddrinfo(found);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  timeval patience{.tv_sec = 30, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

void send_all(int fd, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    ssize_t n = send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (n <= 0) return;  // the server has closed: End shows it
    at += static_cast<size_t>(n);
  }
}

class Client {
 public:
  Client(std::string host, std::string port, std::string mark)
      : host_(std::move(host)), port_(std::move(port)), mark_(std::move(mark)) {}
  void run(const std::vector<std::string>& words);

 private:
  void start(const std::vector<std::string>& words);
  void put(char type, const std::string& body) {
    out_ += type + big_endian(static_cast<int64_t>(body.size()) + 4, 4) + body;
  }
  void flush() {
    send_all(fd_, out_);
    out_.clear();
  }
  bool get(char* type, std::string* body);
  void read_until(char type);
  void print(char type, const std::string& body);
  void bind(const std::vector<std::string>& words);

  std::string host_, port_, mark_, out_, in_;
  int fd_ = -1;
  int64_t pid_ = 0, secret_ = 0;
  std::vector<int> formats_;  // of the columns described last
};

void Client::start(const std::vector<std::string>& words) {
  if (fd_ >= 0) close(fd_);
  in_.clear();
  fd_ = dial(host_, port_);
  std::string body = big_endian(196608, 4);
  std::map<std::string, std::string> settings{{"user", "postgres"}, {"database", "postgres"}};
  for (size_t i = 1; i + 1 < words.size(); i += 2) settings[words[i]] = words[i + 1];
  for (const auto& [name, value] : settings) body += name + '\0' + value + '\0';
  body += '\0';
  out_ = big_endian(static_cast<int64_t>(body.size()) + 4, 4) + body;
}

bool Client::get(char* type, std::string* body) {
  for (;;) {
    if (in_.size() >= 5) {
      size_t at = 1;
      auto size = static_cast<size_t>(number(in_, &at, 4));
      if (in_.size() >= size + 1) {
        *type = in_[0];
        *body = in_.substr(5, size - 4);
        in_.erase(0, size + 1);
        return true;
      }
    }
    char buffer[65536];
    ssize_t n = recv(fd_, buffer, sizeof buffer, 0);
    if (n < 0 && errno == EAGAIN) die("the server does not answer");
    if (n <= 0) return false;
    in_.append(buffer, static_cast<size_t>(n));
  }
}

void Client::print(char type, const std::string& b) {
  size_t at = 0;
  std::ostringstream line;
  switch (type) {
    case 'R':
      line << "Authentication " << number(b, &at, 4);
      break;
    case 'S': {
      std::string name = text(b, &at), value = text(b, &at);
      if (name == "server_version") value = value.substr(0, 2);
      line << "ParameterStatus " << name << " = " << value;
      break;
    }
    case 'K':
      pid_ = number(b, &at, 4);
      secret_ = number(b, &at, 4);
      line << "BackendKeyData";
      break;
    case 'Z':
      line << "ReadyForQuery " << b;
      break;
    case 'T': {
      line << "RowDescription";
      int64_t n = number(b, &at, 2);
      formats_.clear();
      for (int64_t i = 0; i < n; ++i) {
        std::string name = text(b, &at);
        int64_t table = number(b, &at, 4), column = number(b, &at, 2), oid = number(b, &at, 4),
                size = number(b, &at, 2), modifier = number(b, &at, 4), format = number(b, &at, 2);
        formats_.push_back(static_cast<int>(format));
        line << (i > 0 ? "," : "") << " " << name << "(" << (table != 0 ? "table." : "") << column
             << " type " << oid << " size " << size << " mod " << modifier << " format " << format
             << ")";
      }
      break;
    }
    case 'D': {
      line << "DataRow";
      int64_t n = number(b, &at, 2);
      for (int64_t i = 0; i < n; ++i) {
        int64_t size = number(b, &at, 4);
        line << (i > 0 ? " | " : " ");
        if (size < 0) {
          line << "NULL";
          continue;
        }
        std::string v = b.substr(at, static_cast<size_t>(size));
        at += static_cast<size_t>(size);
        if (static_cast<size_t>(i) < formats_.size() && formats_[i] == 1) {
          line << "x";
          for (unsigned char c : v) {
            char hex[3];
            std::snprintf(hex, sizeof hex, "%02x", c);
            line << hex;
          }
        } else {
          line << shown(v);
        }
      }
      break;
    }
    case 'C':
      line << "CommandComplete " << b.c_str();
      break;
    case 't': {
      line << "ParameterDescription";
      int64_t n = number(b, &at, 2);
      for (int64_t i = 0; i < n; ++i) line << " " << number(b, &at, 4);
      break;
    }
    case 'E':
    case 'N': {
      line << (type == 'E' ? "ErrorResponse" : "NoticeResponse");
      while (at < b.size() && b[at] != '\0') {
        char field = b[at++];
        std::string value = text(b, &at);
        if (std::strchr("FLR", field) == nullptr) line << " " << field << ":" << shown(value);
      }
      break;
    }
    case '1':
      line << "ParseComplete";
      break;
    case '2':
      line << "BindComplete";
      break;
    case '3':
      line << "CloseComplete";
      break;
    case 'n':
      line << "NoData";
      break;
    case 's':
      line << "PortalSuspended";
      break;
    case 'I':
      line << "EmptyQueryResponse";
      break;
    case 'G':
    case 'H': {
      line << (type == 'G' ? "CopyInResponse" : "CopyOutResponse") << " format "
           << number(b, &at, 1);
      line << " columns " << number(b, &at, 2);
      break;
    }
    case 'd':
      line << "CopyData " << shown(b);
      break;
    case 'c':
      line << "CopyDone";
      break;
    default:
      line << "message " << type << " " << shown(b);
  }
  std::printf("%s%s\n", mark_.c_str(), line.str().c_str());
}

void Client::read_until(char type) {
  flush();
  for (;;) {
    char got = 0;
    std::string body;
    if (!get(&got, &body)) {
      std::printf("%sclosed\n", mark_.c_str());
      return;
    }
    print(got, body);
    if (got == type) return;
  }
}

void Client::bind(const std::vector<std::string>& words) {
  std::vector<int> formats, results;
  std::string values;
  size_t i = 3;
  for (; i < words.size() && words[i] != ":"; ++i) {
    const std::string& w = words[i];
    bool binary = w.starts_with("b:");
    formats.push_back(binary ? 1 : 0);
    if (w == "null") {
      values += big_endian(-1, 4);
    } else {
      std::string v = binary ? from_hex(w.substr(2)) : w.substr(2);
      values += big_endian(static_cast<int64_t>(v.size()), 4) + v;
    }
  }
  for (++i; i < words.size(); ++i) results.push_back(std::stoi(words[i]));
  std::string body = words[1] + '\0' + words[2] + '\0';
  for (int round = 0; round < 2; ++round) {
    const std::vector<int>& list = round == 0 ? formats : results;
    if (round == 1) body += big_endian(static_cast<int64_t>(formats.size()), 2) + values;
    body += big_endian(static_cast<int64_t>(list.size()), 2);
    for (int f : list) body += big_endian(f, 2);
  }
  // Where nothing is described, the rows come as asked.
  if (results.size() == 1) formats_.assign(100, results[0]);
  put('B', body);
}

void Client::run(const std::vector<std::string>& w) {
  const std::string& c = w[0];
  const auto z = [&](size_t i) { return w.at(i) + '\0'; };
  if (c == "Connect") {
    start(w);
  } else if (c == "Query") {
    put('Q', z(1));
  } else if (c == "Parse") {
    std::string body = z(1) + z(2) + big_endian(static_cast<int64_t>(w.size()) - 3, 2);
    for (size_t i = 3; i < w.size(); ++i) body += big_endian(std::stol(w[i]), 4);
    put('P', body);
  } else if (c == "Bind") {
    bind(w);
  } else if (c == "Describe" || c == "Close") {
    put(c == "Close" ? 'C' : 'D', w.at(1) + z(2));
  } else if (c == "Execute") {
    put('E', z(1) + big_endian(std::stol(w.at(2)), 4));
  } else if (c == "Flush") {
    put('H', "");
  } else if (c == "Sync") {
    put('S', "");
  } else if (c == "Terminate") {
    put('X', "");
  } else if (c == "CopyData") {
    put('d', w.at(1));
  } else if (c == "CopyDone") {
    put('c', "");
  } else if (c == "CopyFail") {
    put('f', z(1));
  } else if (c == "Raw") {
    put(w.at(1)[0], from_hex(w.at(2)));
  } else if (c == "Read") {
    read_until(w.at(1)[0]);
  } else if (c == "End") {
    read_until('\0');
  } else if (c == "Sleep") {
    flush();
    std::this_thread::sleep_for(std::chrono::milliseconds(std::stol(w.at(1))));
  } else if (c == "Cancel") {
    flush();
    int fd = dial(host_, port_);
    send_all(fd, big_endian(16, 4) + big_endian(80877102, 4) + big_endian(pid_, 4) +
                     big_endian(secret_, 4));
    char byte = 0;
    (void)recv(fd, &byte, 1, 0);
    close(fd);
  } else {
    die("unknown command " + c);
  }
}

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> out;
  for (size_t i = 0; i < line.size();) {
    if (line[i] == ' ') {
      ++i;
      continue;
    }
    std::string word;
    while (i < line.size() && line[i] != ' ') {
      if (line[i] != '"') {
        word.push_back(line[i++]);
        continue;
      }
      for (++i; i < line.size() && line[i] != '"'; ++i) {
        if (line[i] != '\\') {
          word.push_back(line[i]);
          continue;
        }
        char e = line[++i];
        if (e == 'x') {
          word += from_hex(line.substr(i + 1, 2));
          i += 2;
        } else {
          word.push_back(e == 'n' ? '\n' : e == 't' ? '\t' : e);
        }
      }
      ++i;
    }
    out.push_back(std::move(word));
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) die("usage: wire_client HOST PORT <SCRIPT");
  Client client(argv[1], argv[2], ""), other(argv[1], argv[2], "  other: ");
  for (std::string line; std::getline(std::cin, line);) {
    std::printf("%s%s\n", line.empty() || line[0] == '#' ? "" : "> ", line.c_str());
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> words = split(line);
    if (words[0] == "Other") {
      words.erase(words.begin());
      other.run(words);
    } else {
      client.run(words);
    }
  }
  return 0;
}
