/* An image in memory: rows of red, green, blue bytes. */
typedef struct {
    long width, height;
    unsigned char *pixels;
} Image;

/* Pixels of an image at most, so that a damaged file does not exhaust the memory. */
#define MOST_PIXELS (1L << 26)

static int image_allocate(Image *image, long width, long height) {
    if (width <= 0 || height <= 0 || width > MOST_PIXELS / height) return 0;
    image->width = width;
    image->height = height;
    image->pixels = calloc((size_t)(width * height), 3);
    return image->pixels != NULL;
}
