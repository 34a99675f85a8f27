"""What measures us against peers: one file a question, each prints a table and writes JSON."""

import os

# before NumPy is loaded: its products are small here, and threads of the linear algebra library cost 20 times the work
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
