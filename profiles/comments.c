/* SPDX-License-Identifier: Apache-2.0 */
/* Comments in YAML. libyaml passes over them: they are in the gaps between its tokens. */
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "profiles/profile.h"

/* libyaml counts characters; the bytes of one that follow its first are none. */
struct place {
    const char *at, *end;
    size_t index;
};

/* Goes on to character number `index`. True when there was a '#' on the way. */
static bool passes_comment(struct place *p, size_t index)
{
    bool passed = false;

    while (p->at < p->end && (p->index < index || ((unsigned char)*p->at & 0xc0) == 0x80)) {
        passed = passed || *p->at == '#';
        p->index += ((unsigned char)*p->at++ & 0xc0) != 0x80;
    }
    return passed;
}

bool profile_has_comments(const char *text, size_t length)
{
    struct place place = {text, text + length, 0};
    bool has = false, more = true;
    yaml_parser_t parser;
    yaml_token_t token;

    if (!yaml_parser_initialize(&parser))
        return true;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (!has && more && yaml_parser_scan(&parser, &token)) {
        has = passes_comment(&place, token.start_mark.index);
        passes_comment(&place, token.end_mark.index);
        more = token.type != YAML_STREAM_END_TOKEN;
        yaml_token_delete(&token);
    }
    yaml_parser_delete(&parser);
    /* What cannot be scanned to its end may hold anything. */
    return has || more;
}
