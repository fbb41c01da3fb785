# cmake -DDIR=<migrations> -DOUT=<file.cpp> -P embed_migrations.cmake
# Writes DIR/{tokens,state}/NNNN_name.sql as the tables that store/migrations.h declares. The numbers start at 0001 and
# have no holes, so that a step that was merged late cannot slip in behind one that has run already.

function(embed directory function_name out)
  file(GLOB files ${DIR}/${directory}/*) # sorted by name
  set(expected 1)
  set(rows "")
  foreach(path ${files})
    get_filename_component(file ${path} NAME)
    if(NOT file MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)\\.sql$")
      message(FATAL_ERROR "${path}: a migration is named NNNN_name.sql, with name of [a-z0-9_]")
    endif()
    set(name ${CMAKE_MATCH_2})
    string(REGEX REPLACE "^0+" "" number "${CMAKE_MATCH_1}")
    if(NOT number EQUAL expected)
      message(FATAL_ERROR "${path}: this migration's number should be ${expected}")
    endif()
    file(SIZE ${path} size)
    if(size GREATER 60000) # what a string literal may hold
      message(FATAL_ERROR "${path}: more than 60000 bytes; split it")
    endif()
    file(READ ${path} sql)
    string(APPEND rows "    {${number}, \"${name}\", R\"sql(${sql})sql\"},\n")
    math(EXPR expected "${expected} + 1")
  endforeach()
  if(expected EQUAL 1)
    message(FATAL_ERROR "${DIR}/${directory}: no migrations")
  endif()
  set(${out} "constexpr Migration ${function_name}_table[] = {\n${rows}};\n" PARENT_SCOPE)
endfunction()

embed(tokens token_migrations tokens)
embed(state state_migrations states)
file(WRITE ${OUT} "// Made by store/embed_migrations.cmake from migrations/.
#include \"store/migrations.h\"

namespace mailmoor::store {
namespace {

${tokens}
${states}
} // namespace

std::span<const Migration> token_migrations() noexcept { return token_migrations_table; }
std::span<const Migration> state_migrations() noexcept { return state_migrations_table; }

} // namespace mailmoor::store
")
