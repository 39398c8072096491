"""DynamoDB attribute JSON and back, exactly."""

import base64
from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from types import MappingProxyType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules_engine.attribute_value import (
    MAX_DEPTH,
    AttributeSet,
    Binary,
    Image,
    decode,
    encode,
    from_boto,
    to_boto,
)
from rules_engine.errors import AttributeValueError

# Every legal attribute, as DynamoDB JSON.


@st.composite
def number_texts(draw):
    """Up to 38 significant digits, magnitudes 1E-130 .. 9.99E+125, in plain or scientific notation."""
    digits = draw(st.from_regex(r"[1-9][0-9]{0,37}", fullmatch=True, alphabet="0123456789"))
    sign = draw(st.sampled_from(["", "-"]))
    magnitude = draw(st.integers(-130, 125) | st.sampled_from([-130, -1, 0, 1, 37, 38, 125]))
    number = Decimal(f"{sign}{digits[0]}.{digits[1:]}E{magnitude}")
    return draw(st.sampled_from([str(number), f"{number:f}", f"{number:e}"]))


numbers = number_texts() | st.sampled_from(["0", "-0", "0.00", "1E+125", "-1E-130", "9" * 38])
binaries = st.binary(max_size=12).map(lambda data: base64.b64encode(data).decode())


def sets(tag, elements, unique_by):
    return st.lists(elements, min_size=1, max_size=4, unique_by=unique_by).map(lambda each: {tag: each})


scalars = st.one_of(
    st.text().map(lambda text: {"S": text}),
    numbers.map(lambda text: {"N": text}),
    binaries.map(lambda text: {"B": text}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    sets("SS", st.text(), unique_by=str),
    sets("NS", numbers, unique_by=Decimal),
    sets("BS", binaries, unique_by=str),
)
attributes = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda each: {"L": each})
        | st.dictionaries(st.text(), inner, max_size=4).map(lambda each: {"M": each})
    ),
    max_leaves=12,
)
images = st.dictionaries(st.text(), attributes, max_size=5)


def exact(attribute):
    """What the attribute means, so that two spellings of one value compare equal and nothing else does."""
    ((tag, value),) = attribute.items()
    if tag == "N":
        return tag, Decimal(value)
    if tag == "NS":
        return tag, sorted(map(Decimal, value))
    if tag in ("SS", "BS"):
        return tag, sorted(value)
    if tag == "L":
        return tag, [exact(each) for each in value]
    if tag == "M":
        return tag, {name: exact(each) for name, each in value.items()}
    return tag, value


def eager(value):
    """The value with every Image decoded to a dict, so that encode has to write each attribute anew."""
    if isinstance(value, Image):
        return {name: eager(each) for name, each in value.items()}
    if type(value) is list:
        return [eager(each) for each in value]
    return value


@given(attributes)
@example({"N": "1E+125"})
@example({"N": "-1E-130"})
@example({"N": "9.9999999999999999999999999999999999999E+125"})
@example({"N": "0." + "0" * 129 + "1"})
@example({"N": "1" + "0" * 125})
def test_every_legal_attribute_survives_decode_and_encode(attribute):
    assert exact(encode(eager(decode(attribute)))) == exact(attribute)
    assert exact(encode(decode(attribute))) == exact(attribute)


@given(attributes)
def test_every_legal_attribute_survives_boto_and_back(attribute):
    assert from_boto(to_boto(attribute)) == attribute


@given(images)
def test_an_image_equals_the_eagerly_decoded_dict(raw):
    decoded = {name: eager(decode(attribute)) for name, attribute in raw.items()}
    image = Image(raw)
    assert isinstance(image, Mapping)
    assert image == decoded
    assert decoded == image
    assert image == Image(raw)
    assert dict(image) == decoded
    assert list(image) == list(raw)
    assert len(image) == len(raw)
    assert image != {**decoded, "one more": 1, "and another": 2}


@given(
    images, st.text(), st.sampled_from([{"N": "x"}, {"B": "%"}, {"X": 1}, {}, None, {"S": 1}, {"L": [{}]}])
)
def test_a_malformed_attribute_disturbs_no_other(raw, name, malformed):
    broken = Image({**raw, name: malformed})
    assert name in broken
    assert broken.keys() == {*raw, name}
    for _ in range(2):
        with pytest.raises(AttributeValueError):
            broken[name]
        with pytest.raises(AttributeValueError):
            broken.get(name)
    for other in raw.keys() - {name}:
        assert broken[other] == decode(raw[other])


# Garbage.

json_garbage = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS", "a"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=8,
)


def read_whole(value):
    if isinstance(value, Image):
        for each in value.values():
            read_whole(each)
    elif isinstance(value, list):
        for each in value:
            read_whole(each)


@given(json_garbage)
@example({"N": "1_000"})
@example({"S": "x", "N": "1"})
@example(["S"])
@example("S")
def test_garbage_is_refused_with_our_own_error_alone(garbage):
    for function in (decode, to_boto, from_boto, encode):
        try:
            value = function(garbage)
            read_whole(value)
        except AttributeValueError:
            continue
        if function is decode:
            assert exact(encode(eager(value))) == exact(garbage)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (None, "not one known type tag with a value"),
        ({}, "not one known type tag with a value"),
        ({"S": "a", "N": "1"}, "not one known type tag with a value"),
        ({"s": "a"}, "not one known type tag with a value"),
        ({"S": 1}, "S is not text"),
        ({"N": 1}, "N is not text"),
        ({"N": "NaN"}, "N is not a number"),
        ({"N": "Infinity"}, "N is not a number"),
        ({"N": "1_000"}, "N is not a number"),
        ({"N": " 1"}, "N is not a number"),
        ({"N": "1\n"}, "N is not a number"),
        ({"N": "٣"}, "N is not a number"),
        ({"N": "\uff11.5"}, "N is not a number"),
        ({"N": "0x10"}, "N is not a number"),
        ({"N": ""}, "N is not a number"),
        ({"N": "."}, "N is not a number"),
        ({"N": "-"}, "N is not a number"),
        ({"N": "1e"}, "N is not a number"),
        ({"N": "1" * 39}, "N is a number that DynamoDB cannot hold"),
        ({"N": "1E+126"}, "N is a number that DynamoDB cannot hold"),
        ({"N": "9.9E-131"}, "N is a number that DynamoDB cannot hold"),
        ({"N": "1" + "0" * 126}, "N is a number that DynamoDB cannot hold"),
        ({"N": "1e99999999999999999999"}, "N is a number that DynamoDB cannot hold"),
        ({"N": "1" * 100_000}, "N is a number that DynamoDB cannot hold"),
        ({"B": "AP8"}, "B is not base64 text"),
        ({"B": "AP8=\n"}, "B is not base64 text"),
        ({"B": "AP8=AP8="}, "B is not base64 text"),
        ({"B": "é"}, "B is not base64 text"),
        ({"B": b"x"}, "B is not base64 text"),
        ({"BOOL": 1}, "BOOL is neither true nor false"),
        ({"BOOL": "true"}, "BOOL is neither true nor false"),
        ({"NULL": False}, "NULL is not true"),
        ({"M": []}, "M is not a map"),
        ({"L": {}}, "L is not a list"),
        ({"SS": "ab"}, "SS is not a list"),
        ({"SS": []}, "SS is an empty set"),
        ({"SS": ["a", "b", "a"]}, "SS has an element twice"),
        ({"NS": ["1", "1.0"]}, "NS has an element twice"),
        ({"NS": ["1", "x"]}, "N is not a number"),
        ({"BS": ["%"]}, "B is not base64 text"),
    ],
)
def test_decode_says_what_is_not_legal(attribute, message):
    with pytest.raises(AttributeValueError) as caught:
        decode(attribute)
    assert str(caught.value) == message


# Values.


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-0", 0),
        ("-7", -7),
        ("007", 7),
        ("+7", 7),
        ("9" * 38, 10**38 - 1),
        ("1" + "0" * 125, 10**125),
        ("12.50", Decimal("12.50")),
        ("100.0", Decimal("100.0")),
        ("1e2", Decimal("1E+2")),
        ("1E+125", Decimal("1E+125")),
        ("-1E-130", Decimal("-1E-130")),
        ("1." + "0" * 60, Decimal("1." + "0" * 37)),
    ],
)
def test_integral_text_is_an_int_and_every_other_number_a_decimal_as_written(text, value):
    assert repr(decode({"N": text})) == repr(value)


def test_decoding_does_not_depend_on_the_current_decimal_context():
    with localcontext(Context(prec=2, Emax=5, Emin=-5)):
        assert str(decode({"N": "1234567890123456789.123456789"})) == "1234567890123456789.123456789"
        assert encode(Decimal("1234567890123456789.5")) == {"N": "1234567890123456789.5"}
        assert decode({"N": "1E+125"}).adjusted() == 125


@pytest.mark.parametrize(
    ("attribute", "value", "set_type", "element_type"),
    [
        ({"SS": ["b", "a"]}, ["a", "b"], "SS", str),
        ({"NS": ["10", "9", "1E+2", "9.5"]}, [9, Decimal("9.5"), 10, 100], "NS", (int, Decimal)),
        ({"BS": ["Ag==", "AQ=="]}, ["AQ==", "Ag=="], "BS", Binary),
    ],
)
def test_a_set_is_a_sorted_list_that_knows_its_type(attribute, value, set_type, element_type):
    decoded = decode(attribute)
    assert decoded == value
    assert type(decoded) is AttributeSet
    assert decoded.type == set_type
    assert all(isinstance(each, element_type) for each in decoded)


def test_a_binary_is_its_base64_text_and_stays_a_binary():
    decoded = decode({"B": "AP8="})
    assert decoded == "AP8="
    assert type(decoded) is Binary
    assert encode([decoded, "AP8="]) == {"L": [{"B": "AP8="}, {"S": "AP8="}]}


def test_an_attribute_is_decoded_once():
    image = Image({"customer": {"M": {"tier": {"S": "gold"}}}, "items": {"L": [{"M": {}}]}})
    assert image["customer"] is image["customer"]
    assert image["items"] is image.get("items")
    assert type(image["customer"]) is type(image["items"][0]) is Image


def test_an_image_reads_from_the_json_it_was_given():
    raw = {"customer": {"M": {"tier": {"S": "gold"}}}}
    image = Image(raw)
    assert image.raw is raw
    assert image["customer"].raw is raw["customer"]["M"]
    assert encode(image)["M"] is raw


def test_an_absent_attribute_is_absent():
    image = Image({"a": {"NULL": True}})
    assert image.get("a", 1) is None
    assert image.get("b") is None
    assert image.get("b", 1) == 1
    assert "b" not in image
    with pytest.raises(KeyError):
        image["b"]


def test_nesting_stops_at_the_limit():
    def nested(levels):
        attribute = {"S": "x"}
        for level in range(levels):
            attribute = {"M": {"a": attribute}} if level % 2 else {"L": [attribute]}
        return attribute

    read_whole(decode(nested(MAX_DEPTH)))
    read_whole(Image({"a": nested(MAX_DEPTH)}))
    assert to_boto(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert from_boto(nested(MAX_DEPTH)) == nested(MAX_DEPTH)
    assert encode(eager(decode(nested(MAX_DEPTH)))) == nested(MAX_DEPTH)
    for levels in (MAX_DEPTH + 1, 5000):
        with pytest.raises(AttributeValueError, match="nested deeper than 64 levels"):
            read_whole(decode(nested(levels)))
        for function in (to_boto, from_boto):
            with pytest.raises(AttributeValueError, match="nested deeper than 64 levels"):
                function(nested(levels))
    value = "x"
    for _ in range(MAX_DEPTH + 1):
        value = [value]
    with pytest.raises(AttributeValueError, match="nested deeper than 64 levels"):
        encode(value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, "a value of type float is no DynamoDB attribute"),
        (b"x", "a value of type bytes is no DynamoDB attribute"),
        ({"a"}, "a value of type set is no DynamoDB attribute"),
        ({1: 2}, "a key of type int is no attribute name"),
        (Decimal("NaN"), "a number that DynamoDB cannot hold"),
        (Decimal("Infinity"), "a number that DynamoDB cannot hold"),
        (Decimal("1E+126"), "a number that DynamoDB cannot hold"),
        (Decimal("1E-131"), "a number that DynamoDB cannot hold"),
        (10**126, "a number that DynamoDB cannot hold"),
        (10**38 + 1, "a number that DynamoDB cannot hold"),
        (10**4000, "a number that DynamoDB cannot hold"),
        (AttributeSet("SS", []), "SS is an empty set"),
        (AttributeSet("SS", ["a", "a"]), "SS has an element twice"),
        (AttributeSet("SS", [1]), "SS has an element of another type"),
        (AttributeSet("BS", ["AQ=="]), "BS has an element of another type"),
        (AttributeSet("NS", [1.5]), "NS has an element of another type"),
        (AttributeSet("NS", [True]), "NS has an element of another type"),
        (AttributeSet("NS", [1, 10**126]), "a number that DynamoDB cannot hold"),
        (AttributeSet("NS", [Decimal("1E-131")]), "a number that DynamoDB cannot hold"),
    ],
)
def test_encode_refuses_what_dynamodb_cannot_hold(value, message):
    with pytest.raises(AttributeValueError) as caught:
        encode(value)
    assert str(caught.value) == message


def test_boto_takes_and_gives_binaries_as_bytes():
    attribute = {
        "M": {
            "b": {"B": "AP8="},
            "bs": {"BS": ["AQ==", "Ag=="]},
            "l": {"L": [{"B": ""}, {"N": "12.50"}]},
            "s": {"S": "AP8="},
        }
    }
    sent = {
        "M": {
            "b": {"B": b"\x00\xff"},
            "bs": {"BS": [b"\x01", b"\x02"]},
            "l": {"L": [{"B": b""}, {"N": "12.50"}]},
            "s": {"S": "AP8="},
        }
    }
    assert to_boto(attribute) == sent
    assert from_boto(sent) == attribute


@pytest.mark.parametrize(
    "attribute",
    [{"B": "%"}, {"M": {"a": {"N": "x"}}}, {"L": [{"SS": []}]}, {"M": {1: {"S": "a"}}}, {"X": 1}, 7],
)
def test_nothing_malformed_is_sent_to_dynamodb(attribute):
    with pytest.raises(AttributeValueError):
        to_boto(attribute)


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        (7, "not one known type tag with a value"),
        ({}, "not one known type tag with a value"),
        ({"X": 1}, "not one known type tag with a value"),
        ({"S": "a", "N": "1"}, "not one known type tag with a value"),
        ({"S": 1}, "S is not text"),
        ({"SS": []}, "SS is an empty set"),
        ({"BS": []}, "BS is an empty set"),
        ({"M": []}, "M is not a map"),
        ({"L": {}}, "L is not a list"),
        ({"M": {1: {"S": "a"}}}, "a key of type int is no attribute name"),
        ({"M": {"a": {"N": "x"}}}, "N is not a number"),
        ({"L": [{"N": "x"}]}, "N is not a number"),
    ],
)
def test_both_ways_to_boto_refuse_the_same_in_the_same_words(attribute, message):
    for convert in (to_boto, from_boto):
        with pytest.raises(AttributeValueError) as caught:
            convert(attribute)
        assert str(caught.value) == message


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ({"B": "AP8="}, "B is not bytes"),
        ({"L": [{"B": "AP8="}]}, "B is not bytes"),
        ({"BS": b"\x01"}, "BS is not a list"),
        ({"BS": ["AQ=="]}, "B is not bytes"),
        ({"BS": [b"\x01", b"\x01"]}, "BS has an element twice"),
    ],
)
def test_what_boto_cannot_have_returned_is_refused(attribute, message):
    with pytest.raises(AttributeValueError) as caught:
        from_boto(attribute)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ({"B": "%"}, "B is not base64 text"),
        ({"B": b"\x01"}, "B is not base64 text"),
        ({"BS": "AQ=="}, "BS is not a list"),
        ({"BS": ["AQ==", "AQ=="]}, "BS has an element twice"),
        ({"BS": ["%"]}, "B is not base64 text"),
    ],
)
def test_binaries_are_checked_before_they_are_sent(attribute, message):
    with pytest.raises(AttributeValueError) as caught:
        to_boto(attribute)
    assert str(caught.value) == message


def test_tuples_and_bytearrays_and_other_mappings_are_taken_too():
    sent = {"M": MappingProxyType({"b": {"B": bytearray(b"\x01")}, "l": {"L": ({"S": "x"},)}})}
    attribute = {"M": {"b": {"B": "AQ=="}, "l": {"L": [{"S": "x"}]}}}
    assert from_boto(sent) == attribute
    assert from_boto({"BS": (b"\x02", bytearray(b"\x01"))}) == {"BS": ["Ag==", "AQ=="]}
    assert to_boto(MappingProxyType({"L": ({"B": "AQ=="},)})) == {"L": [{"B": b"\x01"}]}
    assert to_boto({"BS": ("AQ==", "Ag==")}) == {"BS": [b"\x01", b"\x02"]}
    assert decode({"M": MappingProxyType({"a": {"L": ({"S": "x"},)}})}) == {"a": ["x"]}
    assert decode(MappingProxyType({"SS": ("b", "a")})) == ["a", "b"]
    assert encode(MappingProxyType({"a": ("x", 1)})) == {"M": {"a": {"L": [{"S": "x"}, {"N": "1"}]}}}


def test_every_kind_of_value_is_encoded_under_its_tag():
    values = [None, "a", Binary("AQ=="), True, False, 7, Decimal("1.50"), Decimal("1E+125"), 10**100]
    assert encode(values) == {
        "L": [
            {"NULL": True},
            {"S": "a"},
            {"B": "AQ=="},
            {"BOOL": True},
            {"BOOL": False},
            {"N": "7"},
            {"N": "1.50"},
            {"N": "1E+125"},
            {"N": "1" + "0" * 100},
        ]
    }
    assert type(encode(Binary("AQ=="))["B"]) is str
    assert encode(AttributeSet("NS", [2, Decimal("1.5")])) == {"NS": ["1.5", "2"]}
    assert encode(AttributeSet("BS", [Binary("AQ==")])) == {"BS": ["AQ=="]}
    assert [type(each) for each in encode(AttributeSet("BS", [Binary("AQ==")]))["BS"]] == [str]
    assert encode(AttributeSet("SS", ["b", "a"])) == {"SS": ["a", "b"]}


def test_an_image_says_where_a_malformed_attribute_lies():
    image = Image({"a": {"M": {"b": {"N": "x"}}}})
    with pytest.raises(AttributeValueError) as caught:
        image["a"]["b"]
    assert str(caught.value) == "attribute 'b': N is not a number"
    assert caught.value.__suppress_context__
    assert repr(image) == "Image({'a': {'M': {'b': {'N': 'x'}}}})"
    assert repr(decode({"SS": ["b", "a"]})) == "AttributeSet('SS', ['a', 'b'])"
