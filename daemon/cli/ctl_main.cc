#include "cli/run.h"

int main(int argc, char** argv) {
  return mailmoor::cli::run(argc, argv, MAILMOOR_VERSION);
}
