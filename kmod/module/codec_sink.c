#include "kmod/module/codec_sink.h"

int codec_sink_write(struct codec_sink *sink, const void *data, size_t size, struct error *err) {
    if (size > sink->room)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s unpacks to more than %zu bytes",
                         sink->name, sink->out->size + sink->room);
    if (buffer_append(sink->out, data, size))
        return error_oom(err, "unpacking a module");
    sink->room -= size;
    return 0;
}

int codec_sink_damaged(const struct codec_sink *sink, const char *format, const char *what,
                       struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: its %s stream %s", sink->name, format, what);
}
