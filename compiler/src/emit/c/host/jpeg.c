/* Baseline JPEG (ITU-T T.81): Huffman coding, 8 bits, one or three components, any sampling from 1
   to 4, restart markers. Progressive and arithmetic coding are refused. */

typedef struct {
    unsigned char lengths[17];
    unsigned char symbols[256];
    int present;
} JpegCodes;

typedef struct {
    int id, high, wide, table, dc, ac, last;
    long stride;
    unsigned char *plane;
} JpegComponent;

typedef struct {
    const unsigned char *in;
    size_t size, at;
    unsigned bits;
    int count, failed;
    unsigned short quantizers[4][64];
    JpegCodes codes[2][4];
    JpegComponent components[3];
    int component_count, most_high, most_wide;
    long restart, width, height;
} Jpeg;

static const unsigned char jpeg_zigzag[64] = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

static int jpeg_bit(Jpeg *s) {
    if (s->count == 0) {
        unsigned byte = s->at < s->size ? s->in[s->at] : 0xff;
        if (byte == 0xff && (s->at + 1 >= s->size || s->in[s->at + 1] != 0)) {
            byte = 0; /* A marker: the data end; zeros follow. */
        } else {
            s->at += byte == 0xff ? 2 : 1;
        }
        s->bits = byte;
        s->count = 8;
    }
    return (int)(s->bits >> --s->count & 1);
}

static int jpeg_symbol(Jpeg *s, const JpegCodes *codes) {
    int code = 0, first = 0, index = 0;
    for (int length = 1; length <= 16; length++) {
        code |= jpeg_bit(s);
        int count = codes->lengths[length];
        if (code - first < count) return codes->symbols[(index + code - first) & 255];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    s->failed = 1;
    return 0;
}

/* A number of `size` bits; those that begin with 0 are negative. */
static int jpeg_number(Jpeg *s, int size) {
    int value = 0;
    for (int i = 0; i < size; i++) value = value << 1 | jpeg_bit(s);
    return size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value;
}

/* The inverse cosine transform, one dimension after the other. */
static void jpeg_transform(const int *coefficients, unsigned char *to, long stride) {
    static float cosines[8][8];
    float middle[64];
    if (cosines[0][0] == 0.0f) {
        for (int x = 0; x < 8; x++) {
            for (int u = 0; u < 8; u++) {
                double scale = u == 0 ? sqrt(0.125) : 0.5;
                cosines[x][u] = (float)(scale * cos((2 * x + 1) * u * 3.14159265358979323846 / 16));
            }
        }
    }
    for (int v = 0; v < 8; v++) {
        for (int x = 0; x < 8; x++) {
            float sum = 0;
            for (int u = 0; u < 8; u++) sum += cosines[x][u] * (float)coefficients[v * 8 + u];
            middle[v * 8 + x] = sum;
        }
    }
    for (int y = 0; y < 8; y++) {
        for (int x = 0; x < 8; x++) {
            float sum = 128.5f;
            for (int v = 0; v < 8; v++) sum += cosines[y][v] * middle[v * 8 + x];
            to[y * stride + x] = (unsigned char)(sum < 0 ? 0 : (sum > 255 ? 255 : sum));
        }
    }
}

static void jpeg_block(Jpeg *s, JpegComponent *component, unsigned char *to) {
    int coefficients[64] = {0};
    const unsigned short *quantizers = s->quantizers[component->table];
    int size = jpeg_symbol(s, &s->codes[0][component->dc]);
    if (size > 11) s->failed = 1;
    if (s->failed) return;
    component->last += jpeg_number(s, size);
    if (component->last > 1 << 20 || component->last < -(1 << 20)) {
        s->failed = 1;
        return;
    }
    coefficients[0] = component->last * quantizers[0];
    for (int k = 1; k < 64; k++) {
        int symbol = jpeg_symbol(s, &s->codes[1][component->ac]);
        if (s->failed) return;
        if (symbol == 0) break;
        k += symbol >> 4;
        if (k > 63) {
            s->failed = 1;
            return;
        }
        coefficients[jpeg_zigzag[k]] = jpeg_number(s, symbol & 15) * quantizers[k];
    }
    jpeg_transform(coefficients, to, component->stride);
}

static void jpeg_restart(Jpeg *s) {
    s->count = 0;
    while (s->at + 1 < s->size && !(s->in[s->at] == 0xff && s->in[s->at + 1] >= 0xd0 && s->in[s->at + 1] <= 0xd7)) {
        s->at++;
    }
    s->at += 2;
    for (int i = 0; i < s->component_count; i++) s->components[i].last = 0;
}

static void jpeg_scan(Jpeg *s) {
    long wide = (s->width + 8 * s->most_wide - 1) / (8 * s->most_wide);
    long high = (s->height + 8 * s->most_high - 1) / (8 * s->most_high);
    for (long unit = 0; unit < wide * high && !s->failed; unit++) {
        if (s->restart > 0 && unit > 0 && unit % s->restart == 0) jpeg_restart(s);
        for (int i = 0; i < s->component_count; i++) {
            JpegComponent *c = &s->components[i];
            for (int block = 0; block < c->high * c->wide && !s->failed; block++) {
                long y = (unit / wide * c->high + block / c->wide) * 8;
                long x = (unit % wide * c->wide + block % c->wide) * 8;
                jpeg_block(s, c, c->plane + y * c->stride + x);
            }
        }
    }
}

static unsigned char jpeg_byte(float value) {
    return (unsigned char)(value < 0 ? 0 : (value > 255 ? 255 : value + 0.5f));
}

/* Planes to pixels (JFIF's YCbCr); chroma is taken from the nearest sample. */
static void jpeg_colors(const Jpeg *s, Image *image) {
    for (long y = 0; y < s->height; y++) {
        for (long x = 0; x < s->width; x++) {
            float v[3] = {0, 128, 128};
            for (int i = 0; i < s->component_count; i++) {
                const JpegComponent *c = &s->components[i];
                v[i] = c->plane[y * c->high / s->most_high * c->stride + x * c->wide / s->most_wide];
            }
            unsigned char *to = image->pixels + 3 * (y * s->width + x);
            to[0] = jpeg_byte(v[0] + 1.402f * (v[2] - 128));
            to[1] = jpeg_byte(v[0] - 0.344136f * (v[1] - 128) - 0.714136f * (v[2] - 128));
            to[2] = jpeg_byte(v[0] + 1.772f * (v[1] - 128));
        }
    }
}

static void jpeg_quantizers(Jpeg *s, const unsigned char *p, size_t length) {
    for (size_t i = 0; i < length;) {
        int wide = p[i] >> 4, table = p[i] & 3;
        i++;
        for (int k = 0; k < 64 && i < length; k++) {
            unsigned value = p[i++];
            if (wide && i < length) value = value << 8 | p[i++];
            s->quantizers[table][k] = (unsigned short)value;
        }
    }
}

static void jpeg_tables(Jpeg *s, const unsigned char *p, size_t length) {
    for (size_t i = 0; i + 17 <= length;) {
        JpegCodes *codes = &s->codes[p[i] >> 4 & 1][p[i] & 3];
        size_t total = 0;
        for (int k = 1; k <= 16; k++) total += codes->lengths[k] = p[i + (size_t)k];
        i += 17;
        if (total > 256 || total > length - i) {
            s->failed = 1;
            return;
        }
        memcpy(codes->symbols, p + i, total);
        codes->present = 1;
        i += total;
    }
}

static const char *jpeg_frame(Jpeg *s, const unsigned char *p, size_t length) {
    if (length < 6 || p[0] != 8) return "it has not 8 bits a sample";
    s->height = p[1] << 8 | p[2];
    s->width = p[3] << 8 | p[4];
    s->component_count = p[5];
    if (s->component_count != 1 && s->component_count != 3) return "it has neither one nor three components";
    if (length < 6 + 3 * (size_t)s->component_count || s->width == 0 || s->height == 0) return "its header is wrong";
    for (int i = 0; i < s->component_count; i++) {
        JpegComponent *c = &s->components[i];
        c->id = p[6 + 3 * i];
        c->wide = p[7 + 3 * i] >> 4;
        c->high = p[7 + 3 * i] & 15;
        c->table = p[8 + 3 * i] & 3;
        if (c->wide < 1 || c->wide > 4 || c->high < 1 || c->high > 4) return "its header is wrong";
        if (s->component_count == 1) c->wide = c->high = 1;
        if (c->wide > s->most_wide) s->most_wide = c->wide;
        if (c->high > s->most_high) s->most_high = c->high;
    }
    if (s->width > MOST_PIXELS / s->height) return "it is too large";
    for (int i = 0; i < s->component_count; i++) {
        JpegComponent *c = &s->components[i];
        long wide = (s->width + 8 * s->most_wide - 1) / (8 * s->most_wide);
        long high = (s->height + 8 * s->most_high - 1) / (8 * s->most_high);
        c->stride = wide * c->wide * 8;
        c->plane = calloc((size_t)(c->stride * high * c->high * 8), 1);
        if (c->plane == NULL) return "not enough memory";
    }
    return NULL;
}

static const char *jpeg_begin_scan(Jpeg *s, const unsigned char *p, size_t length) {
    if (s->component_count == 0) return "it has no frame";
    if (length < 1 || p[0] != s->component_count || length < 1 + 2 * (size_t)p[0]) return "its scans are not interleaved";
    for (int i = 0; i < s->component_count; i++) {
        s->components[i].dc = p[2 + 2 * i] >> 4 & 3;
        s->components[i].ac = p[2 + 2 * i] & 3;
        if (!s->codes[0][s->components[i].dc].present || !s->codes[1][s->components[i].ac].present) {
            return "it lacks a code table";
        }
    }
    return NULL;
}

/* One marker segment; sets `done` when the pixels are read. */
static const char *jpeg_segment(Jpeg *s, int marker, const unsigned char *body, size_t length, int *done) {
    const char *problem = NULL;
    switch (marker) {
    case 0xdb: jpeg_quantizers(s, body, length); break;
    case 0xc4: jpeg_tables(s, body, length); break;
    case 0xdd: s->restart = length >= 2 ? body[0] << 8 | body[1] : 0; break;
    case 0xc0:
    case 0xc1: return s->component_count ? "it has two frames" : jpeg_frame(s, body, length);
    case 0xc2: return "it is a progressive JPEG; save it as baseline JPEG or PNG";
    case 0xda:
        problem = jpeg_begin_scan(s, body, length);
        if (problem == NULL) {
            jpeg_scan(s);
            *done = 1;
        }
        return problem;
    default:
        if (marker > 0xc2 && marker < 0xd0 && marker != 0xc8 && marker != 0xcc) return "its coding is not baseline";
    }
    return s->failed ? "its tables are damaged" : NULL;
}

/* Decodes a JPEG file; gives what is wrong, or NULL. */
static const char *jpeg_decode(const unsigned char *file, size_t size, Image *image) {
    Jpeg *s = calloc(1, sizeof *s);
    const char *problem = NULL;
    int done = 0;
    if (s == NULL) return "not enough memory";
    s->in = file;
    s->size = size;
    s->at = 2;
    while (problem == NULL && !done) {
        while (s->at + 1 < size && (file[s->at] != 0xff || file[s->at + 1] == 0xff)) s->at++;
        size_t length = s->at + 4 <= size ? (size_t)(file[s->at + 2] << 8 | file[s->at + 3]) : 0;
        if (length < 2 || length > size - s->at - 2) {
            problem = "it ends too early";
            break;
        }
        const unsigned char *body = file + s->at + 4;
        int marker = file[s->at + 1];
        s->at += length + 2;
        problem = jpeg_segment(s, marker, body, length - 2, &done);
    }
    if (problem == NULL && s->failed) problem = "its compressed data are damaged";
    if (problem == NULL && !image_allocate(image, s->width, s->height)) problem = "not enough memory";
    if (problem == NULL) jpeg_colors(s, image);
    for (int i = 0; i < 3; i++) free(s->components[i].plane);
    free(s);
    return problem;
}
