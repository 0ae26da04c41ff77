/* PNG (RFC 2083) with zlib's format (RFC 1950, 1951): all colour types and depths, interlaced or
   not. Transparency is ignored. Checksums are not verified. */

typedef struct {
    const unsigned char *in;
    size_t length, at;
    unsigned long bits;
    int count;
    unsigned char *out;
    size_t capacity, size;
    int failed;
} Inflate;

/* Lengths of the codes of each size, and the symbols in their order. */
typedef struct {
    short count[16];
    short symbol[288];
} Codes;

static int take_bits(Inflate *s, int wanted) {
    while (s->count < wanted) {
        if (s->at >= s->length) {
            s->failed = 1;
            return 0;
        }
        s->bits |= (unsigned long)s->in[s->at++] << s->count;
        s->count += 8;
    }
    int value = (int)(s->bits & ((1UL << wanted) - 1));
    s->bits >>= wanted;
    s->count -= wanted;
    return value;
}

/* Canonical codes from their lengths; refuses sets with more codes than bits allow. */
static int make_codes(Codes *codes, const unsigned char *lengths, int n) {
    short offsets[16];
    int left = 1;
    memset(codes->count, 0, sizeof codes->count);
    for (int i = 0; i < n; i++) codes->count[lengths[i]]++;
    codes->count[0] = 0;
    for (int i = 1; i < 16; i++) {
        left = left * 2 - codes->count[i];
        if (left < 0) return 0;
    }
    offsets[1] = 0;
    for (int i = 1; i < 15; i++) offsets[i + 1] = (short)(offsets[i] + codes->count[i]);
    for (int i = 0; i < n; i++) {
        if (lengths[i] != 0) codes->symbol[offsets[lengths[i]]++] = (short)i;
    }
    return 1;
}

static int take_symbol(Inflate *s, const Codes *codes) {
    int code = 0, first = 0, index = 0;
    for (int length = 1; length < 16; length++) {
        code |= take_bits(s, 1);
        int count = codes->count[length];
        if (s->failed) return -1;
        if (code - count < first) return codes->symbol[index + code - first];
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    s->failed = 1;
    return -1;
}

static void put_byte(Inflate *s, unsigned char byte) {
    if (s->size < s->capacity) {
        s->out[s->size++] = byte;
    } else {
        s->failed = 1;
    }
}

static void inflate_codes(Inflate *s, const Codes *literals, const Codes *distances) {
    static const short length_base[29] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                          31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const short length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                           2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const short distance_base[30] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,
                                            33,  49,  65,  97,  129, 193,  257,  385,  513,  769,
                                            1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const short distance_extra[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                             6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    while (!s->failed) {
        int symbol = take_symbol(s, literals);
        if (symbol < 0 || symbol == 256) return;
        if (symbol < 256) {
            put_byte(s, (unsigned char)symbol);
            continue;
        }
        symbol -= 257;
        if (symbol >= 29) {
            s->failed = 1;
            return;
        }
        int length = length_base[symbol] + take_bits(s, length_extra[symbol]);
        symbol = take_symbol(s, distances);
        if (symbol < 0 || symbol >= 30) {
            s->failed = 1;
            return;
        }
        size_t distance = (size_t)(distance_base[symbol] + take_bits(s, distance_extra[symbol]));
        if (distance > s->size) {
            s->failed = 1;
            return;
        }
        while (length-- > 0 && !s->failed) put_byte(s, s->out[s->size - distance]);
    }
}

static void inflate_stored(Inflate *s) {
    s->bits = 0;
    s->count = 0;
    if (s->at + 4 > s->length) {
        s->failed = 1;
        return;
    }
    size_t length = (size_t)s->in[s->at] | (size_t)s->in[s->at + 1] << 8;
    s->at += 4;
    if (length > s->length - s->at) {
        s->failed = 1;
        return;
    }
    while (length-- > 0) put_byte(s, s->in[s->at++]);
}

static void inflate_dynamic(Inflate *s) {
    static const unsigned char order[19] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    unsigned char lengths[320];
    Codes literals, distances;
    int nlen = take_bits(s, 5) + 257, ndist = take_bits(s, 5) + 1, ncode = take_bits(s, 4) + 4;
    memset(lengths, 0, sizeof lengths);
    for (int i = 0; i < ncode; i++) lengths[order[i]] = (unsigned char)take_bits(s, 3);
    if (s->failed || nlen > 286 || ndist > 30 || !make_codes(&literals, lengths, 19)) {
        s->failed = 1;
        return;
    }
    for (int i = 0; i < nlen + ndist && !s->failed;) {
        int symbol = take_symbol(s, &literals);
        if (symbol < 0) return;
        if (symbol < 16) {
            lengths[i++] = (unsigned char)symbol;
            continue;
        }
        unsigned char value = 0;
        if (symbol == 16) {
            if (i == 0) {
                s->failed = 1;
                return;
            }
            value = lengths[i - 1];
        }
        int repeat = symbol == 16 ? 3 + take_bits(s, 2) : (symbol == 17 ? 3 + take_bits(s, 3) : 11 + take_bits(s, 7));
        if (i + repeat > nlen + ndist) {
            s->failed = 1;
            return;
        }
        while (repeat-- > 0) lengths[i++] = value;
    }
    if (s->failed || !make_codes(&literals, lengths, nlen) || !make_codes(&distances, lengths + nlen, ndist)) {
        s->failed = 1;
        return;
    }
    inflate_codes(s, &literals, &distances);
}

static void inflate_fixed(Inflate *s) {
    unsigned char lengths[288];
    Codes literals, distances;
    for (int i = 0; i < 288; i++) lengths[i] = (unsigned char)(i < 144 ? 8 : (i < 256 ? 9 : (i < 280 ? 7 : 8)));
    make_codes(&literals, lengths, 288);
    memset(lengths, 5, 30);
    make_codes(&distances, lengths, 30);
    inflate_codes(s, &literals, &distances);
}

/* Unpacks zlib's format into exactly `size` bytes. */
static int inflate_all(const unsigned char *in, size_t length, unsigned char *out, size_t size) {
    Inflate s = {in, length, 2, 0, 0, out, size, 0, 0};
    int last = 0;
    if (length < 2 || (in[0] & 15) != 8 || (in[1] & 32) != 0) return 0;
    while (!last && !s.failed) {
        last = take_bits(&s, 1);
        switch (take_bits(&s, 2)) {
        case 0: inflate_stored(&s); break;
        case 1: inflate_fixed(&s); break;
        case 2: inflate_dynamic(&s); break;
        default: s.failed = 1;
        }
    }
    return !s.failed && s.size == size;
}

static unsigned long big_endian(const unsigned char *p) {
    return (unsigned long)p[0] << 24 | (unsigned long)p[1] << 16 | (unsigned long)p[2] << 8 | p[3];
}

typedef struct {
    int depth, color, channels;
    const unsigned char *palette;
    size_t palette_size;
} PngFormat;

static long png_row_bytes(const PngFormat *format, long width) {
    return (width * format->channels * format->depth + 7) / 8;
}

/* Undoes the filter of one row; `above` is the row before or NULL. */
static int png_unfilter(unsigned char *row, const unsigned char *above, long bytes, long step, int filter) {
    for (long i = 0; i < bytes; i++) {
        int a = i >= step ? row[i - step] : 0, b = above ? above[i] : 0, c = above && i >= step ? above[i - step] : 0;
        int p = a + b - c, pa = abs(p - a), pb = abs(p - b), pc = abs(p - c);
        int guess;
        switch (filter) {
        case 0: guess = 0; break;
        case 1: guess = a; break;
        case 2: guess = b; break;
        case 3: guess = (a + b) / 2; break;
        case 4: guess = pa <= pb && pa <= pc ? a : (pb <= pc ? b : c); break;
        default: return 0;
        }
        row[i] = (unsigned char)(row[i] + guess);
    }
    return 1;
}

/* Sample `index` of a row, scaled to a byte; palette indices stay as they are. */
static unsigned char png_sample(const PngFormat *format, const unsigned char *row, long index) {
    if (format->depth == 16) return row[2 * index];
    if (format->depth == 8) return row[index];
    int per_byte = 8 / format->depth, mask = (1 << format->depth) - 1;
    int shift = 8 - format->depth * (int)(index % per_byte + 1);
    int value = row[index / per_byte] >> shift & mask;
    return (unsigned char)(format->color == 3 ? value : value * 255 / mask);
}

static int png_pixel(const PngFormat *format, const unsigned char *row, long x, unsigned char *to) {
    unsigned char first = png_sample(format, row, x * format->channels);
    if (format->color == 3) {
        if ((size_t)first * 3 + 3 > format->palette_size) return 0;
        memcpy(to, format->palette + first * 3, 3);
    } else if (format->channels < 3) {
        memset(to, first, 3);
    } else {
        for (int c = 0; c < 3; c++) to[c] = png_sample(format, row, x * format->channels + c);
    }
    return 1;
}

/* Starts and steps of the passes: Adam7's seven, and at the end the one of a plain image. */
static const int png_passes[8][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                     {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}, {0, 0, 1, 1}};

static const char *png_pixels(Image *image, const PngFormat *format, int interlaced, const unsigned char *data,
                              size_t length) {
    int begin = interlaced ? 0 : 7, end = interlaced ? 7 : 8;
    size_t total = 0;
    for (int pass = begin; pass < end; pass++) {
        const int *p = png_passes[pass];
        long width = (image->width - p[0] + p[2] - 1) / p[2], height = (image->height - p[1] + p[3] - 1) / p[3];
        if (width > 0 && height > 0) total += (size_t)(height * (png_row_bytes(format, width) + 1));
    }
    unsigned char *raw = malloc(total + 1);
    if (raw == NULL) return "not enough memory";
    if (!inflate_all(data, length, raw, total)) {
        free(raw);
        return "its compressed data are damaged";
    }
    unsigned char *row = raw;
    long step = (format->channels * format->depth + 7) / 8;
    int good = 1;
    for (int pass = begin; pass < end; pass++) {
        const int *p = png_passes[pass];
        long width = (image->width - p[0] + p[2] - 1) / p[2], height = (image->height - p[1] + p[3] - 1) / p[3];
        if (width <= 0 || height <= 0) continue;
        long bytes = png_row_bytes(format, width);
        for (long y = 0; y < height && good; y++, row += bytes + 1) {
            good = png_unfilter(row + 1, y > 0 ? row - bytes : NULL, bytes, step, row[0]);
            for (long x = 0; x < width && good; x++) {
                long place = (p[1] + y * p[3]) * image->width + p[0] + x * p[2];
                good = png_pixel(format, row + 1, x, image->pixels + 3 * place);
            }
        }
    }
    free(raw);
    return good ? NULL : "its pixels are damaged";
}

/* Decodes a PNG file; gives what is wrong, or NULL. */
static const char *png_decode(const unsigned char *file, size_t size, Image *image) {
    static const int channels[7] = {1, 0, 3, 1, 2, 0, 4};
    PngFormat format = {0, 0, 0, NULL, 0};
    int interlaced = 0;
    size_t at = 8, packed = 0;
    unsigned char *data = malloc(size);
    const char *problem = "it ends too early";
    if (data == NULL) return "not enough memory";
    while (at + 12 <= size) {
        unsigned long length = big_endian(file + at);
        const unsigned char *kind = file + at + 4, *body = file + at + 8;
        if (length > size - at - 12) break;
        if (memcmp(kind, "IHDR", 4) == 0 && length >= 13) {
            format.depth = body[8];
            format.color = body[9];
            interlaced = body[12];
            format.channels = format.color < 7 ? channels[format.color] : 0;
            int depth_fits = format.depth == 8 || (format.depth == 16 && format.color != 3) ||
                             ((format.depth == 1 || format.depth == 2 || format.depth == 4) && format.channels == 1 &&
                              format.color != 4);
            if (format.channels == 0 || !depth_fits || interlaced > 1) {
                problem = "its header is wrong";
                break;
            }
            if (image->pixels != NULL || big_endian(body) > MOST_PIXELS || big_endian(body + 4) > MOST_PIXELS ||
                !image_allocate(image, (long)big_endian(body), (long)big_endian(body + 4))) {
                problem = "it is too large";
                break;
            }
        } else if (memcmp(kind, "PLTE", 4) == 0) {
            format.palette = body;
            format.palette_size = length;
        } else if (memcmp(kind, "IDAT", 4) == 0) {
            memcpy(data + packed, body, length);
            packed += length;
        } else if (memcmp(kind, "IEND", 4) == 0) {
            problem = image->pixels == NULL ? "it has no header" : png_pixels(image, &format, interlaced, data, packed);
            break;
        }
        at += length + 12;
    }
    free(data);
    return problem;
}
