import numpy as np
import pytest

from gradlab.MODULE import compute

# TODO: values of an independent oracle, gradients against central differences, float32, the empty
# case, the property that the chapter claims.


@pytest.mark.equation("PREFIX-definition")
def test_it_is_the_definition():
    np.testing.assert_allclose(compute([1.0, -2.0]), [1.0, -2.0])


@pytest.mark.parametrize("bad", ["text", None, [1j]])
def test_bad_input_is_named(bad):
    with pytest.raises(TypeError, match="x must"):
        compute(bad)
