// Goes down Rosenbrock's valley along a gradient that dualtape wrote. Make it and run it:
//
//     dualtape graph "(1 - x)**2 + 100*(y - x**2)**2" --output valley.c --output valley.h
//     cc -ffp-contract=off -I. descend.c valley.c -lm -o descend && ./descend

#include "valley.h"
#include <stdio.h>

int main(void) {
    double x[2] = {-1.2, 1.0}, value = 0.0, gradient[2], last[2], step = 1e-3;
    for (int turn = 0; turn < 20000; ++turn) {
        if (value_and_gradient(x, &value, gradient) != 0) {
            fprintf(stderr, "the derivative is singular at (%g, %g)\n", x[0], x[1]);
            return 1;
        }
        if (turn > 0) {
            // Barzilai's and Borwein's step: as long as the last change of the gradient suggests.
            double along = 0.0, square = 0.0;
            for (int i = 0; i < 2; ++i) {
                along += step * last[i] * (last[i] - gradient[i]);
                square += (last[i] - gradient[i]) * (last[i] - gradient[i]);
            }
            if (along > 0.0 && square > 0.0)
                step = along / square;
        }
        for (int i = 0; i < 2; ++i) {
            last[i] = gradient[i];
            x[i] -= step * gradient[i];
        }
    }
    printf("the lowest place is (%.6f, %.6f), where it is %.1e\n", x[0], x[1], value);
    return 0;
}
