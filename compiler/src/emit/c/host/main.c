/* Reads images, runs the network, prints classes with probabilities. */

static Image no_image(void) {
    Image image = {0, 0, NULL};
    return image;
}

static int complain(const char *path, const char *problem) {
    fprintf(stderr, "error: %s: %s\n", path, problem);
    return 1;
}

/* A whole file in memory; NULL with a message if it cannot be read. */
static unsigned char *read_file(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = NULL;
    size_t capacity = 0, got = 0;
    *size = 0;
    if (file == NULL) {
        complain(path, strerror(errno));
        return NULL;
    }
    do {
        if (*size == capacity) {
            capacity = capacity ? 2 * capacity : 1 << 16;
            unsigned char *grown = realloc(bytes, capacity);
            if (grown == NULL) break;
            bytes = grown;
        }
        got = fread(bytes + *size, 1, capacity - *size, file);
        *size += got;
    } while (got > 0);
    if (ferror(file)) {
        complain(path, strerror(errno));
        free(bytes);
        bytes = NULL;
    }
    fclose(file);
    return bytes;
}

static const char *decode(const unsigned char *bytes, size_t size, Image *image) {
    if (size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0) return png_decode(bytes, size, image);
    if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8) return jpeg_decode(bytes, size, image);
    return size == 0 ? "it is empty" : "it is neither PNG nor JPEG";
}

/* One colour of an image at a place between pixels (bilinear). */
static float sample(const Image *image, float y, float x, int color) {
    float last_y = (float)(image->height - 1), last_x = (float)(image->width - 1);
    y = y < 0 ? 0 : (y > last_y ? last_y : y);
    x = x < 0 ? 0 : (x > last_x ? last_x : x);
    long top = (long)y, left = (long)x;
    long bottom = top + 1 < image->height ? top + 1 : top, right = left + 1 < image->width ? left + 1 : left;
    float down = y - (float)top, across = x - (float)left;
    const unsigned char *p = image->pixels + color;
#define PIXEL(row, column) ((float)p[3 * ((row) * image->width + (column))])
    float upper = PIXEL(top, left) + across * (PIXEL(top, right) - PIXEL(top, left));
    float lower = PIXEL(bottom, left) + across * (PIXEL(bottom, right) - PIXEL(bottom, left));
#undef PIXEL
    return upper + down * (lower - upper);
}

/* The image resized to the network's input and normalised as in training. */
static void prepare(const Image *image, float *input) {
    const float scale_y = (float)image->height / HEIGHT, scale_x = (float)image->width / WIDTH;
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            float color[3], at_y = ((float)y + 0.5f) * scale_y - 0.5f, at_x = ((float)x + 0.5f) * scale_x - 0.5f;
            for (int c = 0; c < 3; c++) color[c] = sample(image, at_y, at_x, c);
            float grey = 0.299f * color[0] + 0.587f * color[1] + 0.114f * color[2];
            for (int c = 0; c < CHANNELS; c++) {
                float value = CHANNELS == 3 ? color[c] : grey;
                input[(c * HEIGHT + y) * WIDTH + x] = (value / 255 - mean[c]) / deviation[c];
            }
        }
    }
}

static void probabilities(float *values) {
    float largest = values[0], sum = 0;
    if (IS_PROBABILITY) return;
    for (int i = 1; i < CLASSES; i++) largest = values[i] > largest ? values[i] : largest;
    for (int i = 0; i < CLASSES; i++) sum += values[i] = expf(values[i] - largest);
    for (int i = 0; i < CLASSES; i++) values[i] /= sum;
}

static void print_string(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') printf("\\%c", c);
        else if (c < 32) printf("\\u%04x", c);
        else putchar(c);
    }
    putchar('"');
}

static void print_json(const char *path, const int *order, const float *p) {
    printf("{\"file\": ");
    print_string(path);
    printf(", \"class\": ");
    print_string(class_names[order[0]]);
    printf(", \"classes\": [");
    for (int i = 0; i < CLASSES; i++) {
        printf(i ? ", {\"name\": " : "{\"name\": ");
        print_string(class_names[order[i]]);
        printf(", \"probability\": %.6g}", (double)p[order[i]]);
    }
    printf("]}\n");
}

/* Classes by falling probability; text shows the first five. */
static void print_result(const char *path, const float *p, int json) {
    static int order[CLASSES];
    for (int i = 0; i < CLASSES; i++) {
        int place = i;
        while (place > 0 && p[order[place - 1]] < p[i]) {
            order[place] = order[place - 1];
            place--;
        }
        order[place] = i;
    }
    if (json) {
        print_json(path, order, p);
        return;
    }
    printf("%s\n", path);
    for (int i = 0; i < CLASSES && i < 5; i++) printf("  %6.2f%%  %s\n", 100 * (double)p[order[i]], class_names[order[i]]);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare_numbers(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The median time of `count` runs. */
static int bench(const float *input, long count) {
    static float output[CLASSES];
    double *times = malloc((size_t)count * sizeof(double));
    if (times == NULL) return complain("--bench", "not enough memory");
    for (long i = 0; i < 3 + count; i++) {
        double begin = now();
        model_run(input, output);
        if (i >= 3) times[i - 3] = now() - begin;
    }
    qsort(times, (size_t)count, sizeof(double), compare_numbers);
    printf("%.3f microseconds (median of %ld, least %.3f)\n", 1e6 * times[count / 2], count, 1e6 * times[0]);
    free(times);
    return 0;
}

static int classify(const char *path, int json, long count) {
    static float input[CHANNELS * HEIGHT * WIDTH], output[CLASSES];
    size_t size = 0;
    Image image = no_image();
    unsigned char *bytes = read_file(path, &size);
    if (bytes == NULL) return 1;
    const char *problem = decode(bytes, size, &image);
    free(bytes);
    if (problem != NULL) {
        free(image.pixels);
        return complain(path, problem);
    }
    prepare(&image, input);
    free(image.pixels);
    if (count > 0) return bench(input, count);
    model_run(input, output);
    probabilities(output);
    print_result(path, output, json);
    return 0;
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static int is_image_name(const char *name) {
    const char *dot = strrchr(name, '.');
    static const char *const endings[] = {".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG"};
    for (size_t i = 0; dot != NULL && i < sizeof endings / sizeof *endings; i++) {
        if (strcmp(dot, endings[i]) == 0) return 1;
    }
    return 0;
}

/* All images of a folder, by name. */
static int classify_folder(DIR *folder, const char *path, int json) {
    char **names = NULL;
    size_t count = 0, capacity = 0;
    int failed = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (!is_image_name(entry->d_name)) continue;
        if (count == capacity) {
            capacity = capacity ? 2 * capacity : 64;
            char **grown = realloc(names, capacity * sizeof *names);
            if (grown == NULL) return complain(path, "not enough memory");
            names = grown;
        }
        names[count] = malloc(strlen(path) + strlen(entry->d_name) + 2);
        if (names[count] == NULL) return complain(path, "not enough memory");
        sprintf(names[count++], "%s/%s", path, entry->d_name);
    }
    if (count == 0) failed = complain(path, "the folder holds no PNG or JPEG files");
    if (count > 0) qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        failed |= classify(names[i], json, 0);
        free(names[i]);
    }
    free(names);
    return failed;
}

/* Samples as floats from the standard input, results to the standard output. */
static int raw(void) {
    static float input[CHANNELS * HEIGHT * WIDTH], output[CLASSES];
    size_t got;
    while ((got = fread(input, 1, sizeof input, stdin)) == sizeof input) {
        model_run(input, output);
        if (fwrite(output, sizeof output, 1, stdout) != 1) return complain("standard output", strerror(errno));
    }
    return got == 0 && fflush(stdout) == 0 ? 0 : complain("standard input", "it does not divide into samples");
}

static int sizes(void) {
    const size_t input = CHANNELS * HEIGHT * WIDTH;
    const float numbers[3] = {(float)(sizeof test_inputs / sizeof(float) / input), (float)input, CLASSES};
    return fwrite(numbers, sizeof numbers, 1, stdout) != 1 || fflush(stdout) != 0;
}

static int usage(FILE *to, const char *program) {
    fprintf(to,
            "usage: %s [--json] [--bench N] IMAGE|FOLDER...\n\n"
            "Prints the classes of PNG and JPEG images with their probabilities.\n"
            "  --json     one line of JSON for each image\n"
            "  --bench N  the time of N runs on the image\n"
            "  --raw      floats of samples from the standard input, results to the standard output\n"
            "  --vectors  the test vectors: inputs and expected results as floats\n"
            "  --sizes    test vectors, elements of an input and of a result, as floats\n",
            program);
    return to == stderr ? 2 : 0;
}

int main(int count, char **arguments) {
    int json = 0, failed = 0, images = 0;
    long runs = 0;
    for (int i = 1; i < count; i++) {
        const char *argument = arguments[i];
        if (strcmp(argument, "--help") == 0) return usage(stdout, arguments[0]);
        if (strcmp(argument, "--raw") == 0) return raw();
        if (strcmp(argument, "--vectors") == 0) return vectors();
        if (strcmp(argument, "--sizes") == 0) return sizes();
        if (strcmp(argument, "--json") == 0) {
            json = 1;
        } else if (strcmp(argument, "--bench") == 0) {
            runs = i + 1 < count ? strtol(arguments[++i], NULL, 10) : 0;
            if (runs <= 0 || runs > 100000000) return complain("--bench", "it needs a number of runs"), 2;
        } else if (argument[0] == '-' && argument[1] != 0) {
            fprintf(stderr, "error: unknown option %s\n", argument);
            return usage(stderr, arguments[0]);
        } else {
            DIR *folder = opendir(argument);
            images++;
            failed |= folder ? classify_folder(folder, argument, json) : classify(argument, json, runs);
            if (folder) closedir(folder);
        }
    }
    return images == 0 ? usage(stderr, arguments[0]) : failed;
}
